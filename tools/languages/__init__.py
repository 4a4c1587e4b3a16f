"""Languages and help: `python -m tools.languages.write` writes locales/en and the tables of web/docs.

Chinese names and tooltips are kept by hand in locales/zh and locales/zh-TW. The example of a help page is kept by hand
in the page, below its last heading.
"""
