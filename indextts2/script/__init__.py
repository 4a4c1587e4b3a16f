"""Scripts: many lines, their speakers and times, spoken into one timeline that is exact to the sample.

`read.py` reads and writes files, `cast.py` says who speaks, `run.py` speaks the lines, `mix.py` lays them on the clock.
"""
