"""Written English by its kinds: money, measures, dates, times, ratios, addresses, codes, names, numbers.

`find.py` finds the kinds in the order of `table.py`, each character once; every kind is a row of a module here: a
pattern and a function that says it in words. docs/text.md shows what is read how.
"""
