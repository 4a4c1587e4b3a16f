"""Units of measure: sign to the words for one and for many. A reader adds a row here."""

from __future__ import annotations

from .one_of import one_of

_METRIC = {"m": "meter", "g": "gram", "l": "liter", "W": "watt", "V": "volt", "A": "amp", "J": "joule", "N": "newton",
           "Pa": "pascal", "Hz": "hertz", "B": "byte", "bit": "bit", "eV": "electronvolt", "Wh": "watt hour",
           "Ah": "amp hour", "s": "second", "bps": "bit per second"}  # fmt: skip
_PREFIXES = {"k": "kilo", "M": "mega", "G": "giga", "T": "tera", "m": "milli", "c": "centi", "d": "deci", "n": "nano",
             "µ": "micro", "h": "hecto"}  # fmt: skip
_USED = (
    "km cm mm nm µm dm kg mg µg ng ml cl dl hl kW MW GW TW mW kV mV mA kA kJ MJ kN kPa hPa MPa GPa kHz MHz GHz THz "
    "kB MB GB TB "
    "kbit Mbit Gbit keV MeV GeV TeV kWh MWh GWh mAh ms µs ns kbps Mbps Gbps Tbps"
).split()


def _plural(one: str) -> str:
    irregular = {"foot": "feet", "inch": "inches", "hertz": "hertz"}
    joint = next((joint for joint in (" per ", " of ", " D C", " A C") if joint in one), " per ")
    first, _, rest = one.partition(joint)
    words = first.split(" ")
    last = words[-1]
    many = next((plural for single, plural in irregular.items() if last.endswith(single)), f"{last}s")
    if last.endswith("hertz"):
        many = last
    return " ".join([*words[:-1], many]) + (joint + rest if joint in one else "")


def _prefixed(sign: str) -> str:
    base = next(
        base
        for base in sorted(_METRIC, key=len, reverse=True)
        if sign.endswith(base) and sign[: -len(base)] in _PREFIXES
    )
    return _PREFIXES[sign[: -len(base)]] + _METRIC[base]


_SINGLE = {
    **{sign: name for sign, name in _METRIC.items() if sign not in ("bit", "B", "N", "J", "A")},
    **{sign: _prefixed(sign) for sign in _USED},
    "L": "liter", "mL": "milliliter", "dL": "deciliter", "mcg": "microgram", "ug": "microgram", "KB": "kilobyte",
    "kms": "kilometer", "kgs": "kilogram", "ft": "foot", "in": "inch", "yd": "yard", "yds": "yard", "yrd": "yard",
    "mi": "mile", "nmi": "nautical mile",
    "lb": "pound", "lbs": "pound", "oz": "ounce", "st": "stone", "tsp": "teaspoon", "tsps": "teaspoon",
    "tbsp": "tablespoon", "tbsps": "tablespoon", "Tbsp": "tablespoon", "pt": "pint", "qt": "quart", "gal": "gallon",
    "fl oz": "fluid ounce", "fl. oz": "fluid ounce", "sq ft": "square foot", "sq. ft": "square foot",
    "sqft": "square foot",
    "sq m": "square meter", "sq. m": "square meter", "sq km": "square kilometer", "sq mi": "square mile",
    "sq in": "square inch", "sq yd": "square yard", "cu ft": "cubic foot", "cu in": "cubic inch", "cu m": "cubic meter",
    "m²": "square meter", "km²": "square kilometer", "cm²": "square centimeter", "mm²": "square millimeter",
    "ft²": "square foot", "in²": "square inch", "mi²": "square mile", "m2": "square meter", "km2": "square kilometer",
    "m³": "cubic meter", "cm³": "cubic centimeter", "mm³": "cubic millimeter", "km³": "cubic kilometer",
    "ft³": "cubic foot",
    "m3": "cubic meter", "cc": "C C", "ha": "hectare", "ac": "acre", "sec": "second", "secs": "second", "min": "minute",
    "mins": "minute", "hr": "hour", "hrs": "hour", "h": "hour", "wk": "week", "wks": "week", "mo": "month",
    "mos": "month",
    "yr": "year", "yrs": "year", "px": "pixel", "pts": "point", "dB": "decibel", "db": "decibel", "cal": "calorie",
    "kcal": "kilocalorie", "hp": "horsepower", "ohm": "ohm", "Ω": "ohm",
    "angstrom": "angstrom", "bps": "basis point", "pp": "percentage point",
    "kΩ": "kiloohm", "mol": "mole", "K": "kelvin",
    "ct": "carat", "t": "ton", "bar": "bar", "mbar": "millibar", "atm": "atmosphere", "lm": "lumen", "doz": "dozen",
    "pk": "pack", "pkg": "package", "MP": "megapixel",
    "VDC": "volt D C", "VAC": "volt A C", "mmol": "millimole", "sqm": "square meter", "qts": "quart",
    "tbs": "tablespoon", "gr": "gram", "grs": "gram", "ltr": "liter", "ltrs": "liter", "cu. ft": "cubic foot",
    "BTU": "B T U", "dBA": "decibel", "ly": "light year", "pcs": "piece", "pct": "percent", "yo": "year old",
    "y/o": "year old", "d": "day", "y": "year", "cals": "calorie", "reb": "rebound", "ast": "assist", "ov": "over",
    "wkts": "wicket", "bdrm": "bedroom", "br": "bedroom", "bd": "bed", "ba": "bath", "nits": "nit",
    "MPa·s": "megapascal second",
}  # fmt: skip
_COMPOUND = {
    "km/h": "kilometer per hour", "kph": "kilometer per hour", "kmh": "kilometer per hour",
    "kmph": "kilometer per hour",
    "mph": "mile per hour", "MPH": "mile per hour", "m/s": "meter per second", "m/s²": "meter per second squared",
    "ft/s": "foot per second", "mpg": "mile per gallon", "rpm": "revolution per minute", "RPM": "revolution per minute",
    "bpm": "beat per minute", "BPM": "beat per minute", "fps": "frame per second", "FPS": "frame per second",
    "dpi": "dot per inch", "DPI": "dot per inch", "ppi": "pixel per inch", "psi": "pound per square inch",
    "PSI": "pound per square inch", "ppm": "part per million", "ppb": "part per billion", "wpm": "word per minute",
    "MB/s": "megabyte per second", "GB/s": "gigabyte per second", "kB/s": "kilobyte per second",
    "Mb/s": "megabit per second",
    "Gb/s": "gigabit per second", "g/cm³": "gram per cubic centimeter", "m/s^2": "meter per second squared",
    "kg/m³": "kilogram per cubic meter",
    "h/d": "hour per day", "mg/d": "milligram per day",
    "mg/dL": "milligram per deciliter", "mg/dl": "milligram per deciliter", "mg/L": "milligram per liter",
    "mg/kg": "milligram per kilogram", "g/L": "gram per liter", "µg/m³": "microgram per cubic meter",
    "kWh/m²": "kilowatt hour per square meter", "W/m²": "watt per square meter", "L/min": "liter per minute",
    "ft-lb": "foot pound", "Nm": "newton meter", "N·m": "newton meter", "Mbit/s": "megabit per second",
    "Gbit/s": "gigabit per second", "kbit/s": "kilobit per second", "knots": "knot", "kn": "knot", "kts": "knot",
    "mmHg": "millimeter of mercury", "lb-ft": "pound foot", "ft-lbs": "foot pound", "ft·lb": "foot pound",
    "mmol/L": "millimole per liter", "mmol/l": "millimole per liter", "mol/L": "mole per liter",
    "m/s2": "meter per second squared", "J·s": "joule second", "m s⁻¹": "meter per second",
    "L/100km": "liter per hundred kilometers",
    "L/100 km": "liter per hundred kilometers", "l/100km": "liter per hundred kilometers",
    "l/100 km": "liter per hundred kilometers",
}  # fmt: skip
_UNCHANGED = frozenset(("dozen", "horsepower", "C C", "stone", "kelvin", "percent", "year old", "B T U"))
ONE = {**_SINGLE, **_COMPOUND}
"""Sign to the words for one of it."""

WORDS = {name: (one, one if one in _UNCHANGED else _plural(one)) for name, one in ONE.items()}
"""Sign to the words for one and for many."""

UNIT = one_of(WORDS)
"""Pattern of any unit, longer ones first."""

_FOLDED = {sign.lower(): words for sign, words in reversed(WORDS.items()) if len(sign) > 1}


def unit_words(sign: str) -> tuple[str, str] | None:
    """The words for one and many of a unit as written; longer signs in any case, as in KG and Km."""
    sign = sign.replace("μ", "µ").replace("^2", "²").replace("^3", "³")
    return WORDS.get(sign) or (_FOLDED.get(sign.lower()) if len(sign) > 1 else None)


SPELLED_OUT = (
    "teaspoons?|tablespoons?|cups?|pints?|quarts?|gallons?|ounces?|pounds?|miles?|inch(?:es)?|feet|foot|yards?|acres?|"
    "hours?|minutes?|seconds?|days?|weeks?|months?|years?|meters?|metres?|kilometers?|kilometres?|grams?|kilograms?|"
    "liters?|litres?|pinch(?:es)?|sticks?|bottles?|bags?|cans?|slices?|glass(?:es)?|packs?|packets?|dozen|degrees?|turns?"
)
"""Units written as words, behind fractions."""
