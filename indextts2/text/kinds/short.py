"""Words that are written short without their point; no words by themselves, so that nothing else is meant."""

from __future__ import annotations

from .dates import weekday
from .find import Kind, kind
from .letters import spell
from .one_of import one_of

SHORT = {
    "hrs": "hours", "mins": "minutes", "secs": "seconds", "yrs": "years", "wks": "weeks", "lbs": "pounds",
    "approx": "approximately", "dept": "department", "depts": "departments", "govt": "government",
    "intl": "international", "natl": "national", "qty": "quantity", "tbsp": "tablespoon", "tsp": "teaspoon",
    "bldg": "building", "blvd": "boulevard", "avg": "average", "incl": "including", "excl": "excluding",
    "mgmt": "management", "mgr": "manager", "acct": "account", "pkg": "package", "orig": "original",
    "assoc": "association", "yoy": "year over year", "YoY": "year over year", "QoQ": "quarter over quarter",
    "MoM": "month over month", "qoq": "quarter over quarter", "bbl": "barrel", "bbls": "barrels", "wknd": "weekend",
    "appt": "appointment", "appts": "appointments", "attn": "attention", "bdrm": "bedroom", "bdrms": "bedrooms",
    "blk": "block", "hwy": "highway", "pkwy": "parkway", "rcvd": "received", "reqd": "required",
    "temps": "temperatures", "tkts": "tickets", "b/w": "between", "tues": "tuesday", "thurs": "thursday",
    "tue": "tuesday", "thu": "thursday", "w/e": "weekend", "yds": "yards", "cals": "calories", "sqft": "square feet",
    "mph": "miles per hour", "utils": "utilities", "w/d": "washer and dryer", "Approx": "approximately",
    "Dept": "department", "Govt": "government", "Avg": "average", "Qty": "quantity", "Incl": "including",
    "Excl": "excluding", "Mgmt": "management",
}  # fmt: skip
_SIZES = {"med": "medium", "lg": "large", "sm": "small", "xl": "extra large"}
_TRAVEL = {"dep": "departing", "arr": "arriving"}
_DAY_BEFORE = "|".join(f"(?<={word} )" for word in ("closed", "Closed", "every", "until", "next", "this"))

SHORTS: tuple[Kind, ...] = (
    kind(
        "short word",
        rf"(?<![\w.@#/-])(?:{one_of(SHORT)})(?![\w@/'-]|\.)",
        lambda match: SHORT[match.group()],
        needs_digit=False,
    ),
    kind(
        "size",
        r"(?<=[\d\ufffc] )(med|lg|sm|xl)\.?(?= [a-z])",
        lambda match: _SIZES[match.group(1)],
        hint=r"\d (?:med|lg|sm|xl)",
    ),
    kind(
        "travel",
        r"\b([Dd]ep|[Aa]rr)\.?(?=:? [\d\ufffc])",
        lambda match: _TRAVEL[match.group(1).lower()],
        hint=r"[Dd]ep|[Aa]rr",
    ),
    kind(
        "defeated",
        r"(?<=[a-z] )(?:d|def)\.(?= [A-Z][a-z])(?=[^\n]{0,80}[\d\ufffc])",
        "defeated",
        hint=r" de?f?\. [A-Z]",
    ),
    kind("following", r"(?<=[\d\ufffc] )ff\.?(?=\W|$)", "and following", hint=r"\d ff"),
    kind(
        "letters",
        r"(?<![\w/])(?:[A-Z]/){2,3}[A-Z](?![\w/])",
        lambda match: spell(match.group()),
        needs_digit=False,
        needs="/",
    ),
    kind(
        "day",
        rf"(?:{_DAY_BEFORE})(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?=[.,;)!]|$)",
        lambda match: weekday(match.group(1)),
        needs_digit=False,
        hint="(?:osed|ery|til|ext|his) [MTWFS]",
    ),
)
"""Behind the abbreviations with a point, and behind numbers, which some of them need before them."""
