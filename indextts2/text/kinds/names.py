"""Abbreviations, titles, initials and parts of addresses, by what stands around them."""

from __future__ import annotations

import re

from .context import (
    STARTERS,
    at_end,
    next_word,
    rest_of,
    stop_after_initials,
    stop_before_capital,
    word_before,
    word_before_comma,
)
from .dates import month_name, weekday
from .find import Kind, kind
from .letters import PLURAL, spell
from .places import COMPASS, PRESS_STATES, STATES, STREETS

TITLES = {
    "mr": "mister", "mrs": "missus", "ms": "miz", "dr": "doctor", "drs": "doctors", "msgr": "monsignor",
    "prof": "professor", "lt": "lieutenant",
    "col": "colonel", "gen": "general", "capt": "captain", "sgt": "sergeant", "rev": "reverend", "gov": "governor",
    "sen": "senator", "rep": "representative", "pres": "president", "hon": "honorable", "fr": "father", "maj": "major",
    "cpl": "corporal", "pvt": "private", "adm": "admiral", "cmdr": "commander", "supt": "superintendent",
    "messrs": "messers", "ald": "alderman", "pte": "private", "insp": "inspector", "det": "detective",
    "amb": "ambassador", "sec": "secretary", "cllr": "councillor", "cdr": "commander", "lieut": "lieutena"
    "nt", "sergt": "sergeant", "brig": "brigadier",
    "mt": "mount", "ft": "fort", "st": "saint", "ste": "saint", "mme": "madam", "mlle": "mademoiselle", "pt": "point",
}  # fmt: skip
"""Before a name, with or without their point where that is usual."""

_TITLES_ALONE = "cllr dr mr mrs ms prof lt col gen capt sgt rev gov sen rep pres hon mt messrs cmdr maj supt".split()
WORDS = {
    **{short: TITLES[short] for short in _TITLES_ALONE},
    "etc": "et cetera", "approx": "approximately", "dept": "department", "inc": "incorporated",
    "corp": "corporation", "ltd": "limited", "co": "company", "bros": "brothers", "est": "established",
    "assn": "association", "assoc": "association", "govt": "government", "natl": "national", "intl": "international",
    "univ": "university", "incl": "including", "excl": "excluding", "esp": "especially", "misc": "miscellaneous",
    "avg": "average", "max": "maximum", "min": "minimum", "ca": "circa", "chap": "chapter", "cf": "compare",
    "viz": "namely", "vs": "versus", "jr": "junior", "sr": "senior", "esq": "esquire", "tel": "telephone",
    "temp": "temperature", "vol": "volume", "fig": "figure", "ch": "chapter", "bldg": "building",
    "mfg": "manufacturing", "mgmt": "management", "dist": "district", "pop": "population", "cont": "continued",
    "introd": "introduction", "resp": "respectively", "orig": "originally", "cap": "chapter", "ed": "edition",
    "eds": "editors", "trans": "translated", "al": "al", "apt": "apartment", "ext": "extension", "hrs": "hours",
    "yrs": "years", "lbs": "pounds", "oz": "ounces", "tsp": "teaspoon", "tbsp": "tablespoon", "sq": "square",
    "qt": "quart", "gal": "gallon", "pkg": "package", "rd": "road", "ave": "avenue", "blvd": "boulevard",
    "ln": "lane", "hwy": "highway", "pkwy": "parkway", "mins": "minutes", "secs": "seconds", "cu": "cubic",
    "obt": "obedient", "servt": "servant", "regt": "regiment", "coll": "college", "esqr": "esquire",
    "asst": "assistant", "rt": "right", "mgr": "manager", "lat": "latitude", "long": "longitude", "inst": "instant",
    "ult": "ultimo", "prox": "proximo",
}  # fmt: skip
"""With their point, wherever they stand."""

_NEED_NUMBER = frozenset(
    "lat long inst ult prox vol fig ch chap ed temp max min cap pop al est trans sq dist cont oz gal qt cu".split()
)
"""Words or parts of words as well: only before a number, or where a small letter follows, or at no end."""

_ENDS = frozenset("etc inc corp ltd co jr sr esq ave rd blvd ln hwy pkwy al bros".split())
_KEYS = {"Ctrl": "control", "Cmd": "command", "Esc": "escape", "Del": "delete"}
_LATIN = {"eg": "for example", "ie": "that is"}
_SLASHED = {"s/he": "she or he", "he/she": "he or she", "she/he": "she or he", "his/her": "his or her",
            "him/her": "him or her", "w/o": "without", "w/": "with ", "y/o": "year old", "b/c": "because", "n/a":
            "not applicable", "N/A": "not applicable",
    "a/c": "A C",
            "c/o": "care of", "and/or": "and or", "w/in": "within", "w/out": "without", "h/t": "hat tip",
            "q/q": "quarter on quarter", "y/y": "year on year", "m/m": "month on month",
            "I/O": "I O", "A/C": "A C",
            "A/B": "A B",
            "TCP/IP": "T C P I P"}  # fmt: skip


_PATH = r"[A-Z][\w']+(?: [A-Z][\w']+){0,2}"


def _street(match: re.Match[str]) -> str:
    """12 Elm Dr., Baker St., 5th Ave."""
    compass, name, sign, point = match.groups()
    ended = bool(point) and (at_end(match) or stop_after_initials(match) == ".")
    lead = f"{COMPASS[compass]} " if compass else ""
    return f"{lead}{name} {STREETS[sign.lower()]}{'.' if ended else ''}"


_AT_A_STREET = re.compile(
    rf"(?:\b(?:on|in|at|near|of|down|up|along|off|from|to|across|and|into) |[\d\ufffc] (?:[NSEW]\.? )?)(?:{_PATH}) $"
)
"""A name behind a place or a number, which makes a street of the St. that follows."""


def _saint(match: re.Match[str]) -> str | None:
    """St. Louis, St Peter, not Main St. Louis."""
    return None if _AT_A_STREET.search(match.string[max(0, match.start() - 60) : match.start()]) else "saint"


def _lead_of(match: re.Match[str]) -> str:
    """What stands before the "St" of a street."""
    return match.string[max(0, match.start() - 60) : match.start(3)]


def _starts_sentence(match: re.Match[str]) -> bool:
    return (
        re.search(r"(?:^|[.!?\n]\s*|[\"'(]\s*)$", match.string[max(0, match.start() - 4) : match.start()]) is not None
    )


def _title(match: re.Match[str]) -> str | None:
    """Dr. Smith, Dr Smith, Rev. Green, Hon. Smith."""
    word = match.group(1)
    return TITLES[word.lower()]


def _word(match: re.Match[str]) -> str | None:
    word = match.group(1).lower()
    if word not in WORDS:
        return None
    if word in _NEED_NUMBER and not re.match(r"\s*(?:\(?[\d\ufffc]|[a-z,;:)])", rest_of(match)):
        return None
    stop = stop_before_capital(match) if word == "etc" else stop_after_initials(match)
    return WORDS[word] + (stop if word in _ENDS else "")


def _dotted(match: re.Match[str]) -> str | None:
    """U.S. -> letter names, with a point where it ends a sentence too. e.g. -> for example."""
    letters = match.group().replace(".", "").replace(" ", "")
    if letters.lower() in _LATIN:
        return _LATIN[letters.lower()]
    stop = stop_after_initials(match) if match.group().endswith(".") else ""
    return spell(letters) + stop


def _latin(match: re.Match[str]) -> str:
    """op. cit., ibid."""
    return match.group().replace(".", "") + stop_after_initials(match)


def _old_month(match: re.Match[str]) -> str:
    """The 9th inst."""
    return WORDS[match.group(1)] + stop_after_initials(match)


_SCALES = {"C": "celsius", "F": "fahrenheit", "K": "kelvin"}


def _against(match: re.Match[str]) -> str | None:
    """Batman v Superman: between two names."""
    return "versus" if word_before(match)[:1].isupper() else None


def _initial(match: re.Match[str]) -> str | None:
    """John F. Kennedy: the point behind the initial ends no sentence."""
    before, word = word_before(match), next_word(match)
    if before in _BEFORE_NAMES and word.lower() in STARTERS:
        return None
    if word.lower() in _SENTENCE_WORDS or not (
        before[:1].isupper() or not before or before.endswith(".") or before in _BEFORE_NAMES
    ):
        return None
    return spell(match.group(1))


def _asked(match: re.Match[str]) -> str | None:
    """Q. and A. of questions and answers; an A alone is an initial or an article."""
    if not re.search(r"\bQ[.:]", match.string):
        return None
    return spell(match.group(1)) + ("." if match.group().endswith(".") else "")


_BEFORE_NAMES = frozenset(
    "by of and to from with for as when that than like said where about against under old young poor dear"
    " miss son wife "
    "brother sister friend author the after before between asked".split()
)
"""Words in small letters before initials of a name."""

_SENTENCE_WORDS = frozenset(
    "the then he she it they we but and in on at this that there what when you his her if so as for no yes".split()
)


def _degree(match: re.Match[str]) -> str:
    stop = stop_after_initials(match) if match.group().endswith(".") else ""
    return spell(match.group().replace(".", "")) + stop


def _month(match: re.Match[str]) -> str | None:
    """Nov. and Jan. in prose."""
    return month_name(match.group(1))


def _day(match: re.Match[str]) -> str | None:
    """Sat. as a day: not where a verb or the star may stand."""
    word = match.group(1)
    if word == "Sun" and not re.match(
        r"[,\s]+(?:\d|\ufffc|night\b|morning\b|afternoon\b|evening\b|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|at|from)\b)",
        rest_of(match),
    ):
        return None
    if (
        not at_end(match)
        and _starts_sentence(match)
        and not re.match(r",|\s*(?:\d|\ufffc|night|morning|afternoon|evening)", rest_of(match))
        and word in ("Sat", "Sun", "Wed")
    ):
        return None
    return weekday(word) + ("." if at_end(match) or stop_after_initials(match) else "")


def _slashed(match: re.Match[str]) -> str:
    words = _SLASHED[match.group()] if match.group() in _SLASHED else _SLASHED[match.group().lower()]
    return " ".join(spell(word) if len(word) == 1 and word.isupper() else word for word in words.split())


def _joined(match: re.Match[str]) -> str:
    """AT&T, R&D."""
    return f"{spell(match.group(1))} and {spell(match.group(2))}{PLURAL if match.group(3) else ''}"


def _closes_place(match: re.Match[str]) -> bool:
    """Whether nothing or a mark follows, as behind Columbus, OH."""
    return re.match(r"\s*$|[.,;)]", rest_of(match)) is not None


def _state(match: re.Match[str]) -> str | None:
    """Portland, OR: behind a city."""
    before = word_before_comma(match)
    alone = match.group() not in ("OK", "HI", "OH", "ME") or (match.group() != "OK" and _closes_place(match))
    known = before[:1].isupper() and before.lower() not in STARTERS and alone
    return STATES[match.group()] if known else None


_STREET = "|".join(sorted((name.capitalize() for name in STREETS), key=len, reverse=True))
_TITLE = "|".join(sorted((name.capitalize() for name in TITLES), key=len, reverse=True))
NAMES: tuple[Kind, ...] = (
    kind("language", r"\b([CFJ])#(?!\w)", lambda match: spell(match.group(1)) + " sharp", needs_digit=False, needs="#"),
    kind(
        "key",
        r"\b(?:Ctrl|Cmd|Esc|Del)\b",
        lambda match: _KEYS[match.group()],
        needs_digit=False,
        hint=r"[CED][tmse][rdcl]",
    ),
    kind("initialism", r"\b([A-Z]{1,3})&([A-Z]{1,3})(s?)\b", _joined, needs_digit=False, needs=";&"),
    kind(
        "state",
        rf"(?<=[a-z], )(?:{'|'.join(STATES)})\b(?=[.,;:)]|$|\s)",
        _state,
        needs_digit=False,
        hint=r", [A-Z][A-Z]\b",
    ),
    kind(
        "state",
        rf"(?<=[a-z], )({'|'.join(PRESS_STATES)})\.",
        lambda match: PRESS_STATES[match.group(1)] + stop_after_initials(match),
        needs_digit=False,
        hint=r", [A-Z][a-z]+\.",
    ),
    kind(
        "slash",
        r"(?<![\w/])(?:[wW]/out|[wW]/o|[wW]/in|[wW]/(?=\s|\w\w)|[bB]/c|[nN]/[aA]|a/c|A/C|c/o|(?:[sS]|[sS]he)/he\b|[hH]e/she\b|h(?:is|im)/her\b|[qym]/(?:(?<=q/)q|(?<=y/)y|(?<=m/)m)\b|and/or|And/or|h/t|I/O|A/B|TCP/IP)(?![/])",
        _slashed,
        needs_digit=False,
        needs="/",
    ),
    kind(
        "street",
        rf"(?:(?<=[\d\ufffc] )|\b(?=[A-Z]))(?:(NE|NW|SE|SW|[NSEW])\.? )?((?:\d+(?:st|nd|rd|th)|{_PATH})) ({_STREET})\b"
        r"(\.)?(?=\s*(?:,|$|\n|[.;:!?)]|\s(?:in|is|at|and|to|near|was|on|from|has|by|for|with|#|Apt|Suite|Unit|NE|NW|SE|SW)\b|\s[a-z]))",
        lambda match: _named_street(match),
        needs_digit=False,
    ),
    kind(
        "street",
        rf"(?<=\ufffc )({_STREET})\b(\.)?(?! [A-Z]\w*(?<!NE)(?<!NW)(?<!SE)(?<!SW)\b(?<!Apt)(?<!Suite))",
        lambda match: STREETS[match.group(1).lower()] + (stop_after_initials(match) if match.group(2) else ""),
        needs_digit=False,
    ),
    kind("compass", r"(?<=\ufffc )(NE|NW|SE|SW)\b", lambda match: COMPASS[match.group(1)], needs_digit=False),
    kind("saint", r"\bS(?:T\.|t(?:\.|(?= [A-Z][a-z])))(?=\s+[A-Z\ufffc])", _saint, needs_digit=False),
    kind(
        "street",
        r"(?<=[a-z] )(St|Ave|Rd|Blvd|Ln)\.",
        lambda match: STREETS[match.group(1).lower()] + stop_after_initials(match),
        needs_digit=False,
    ),
    kind(
        "degree",
        r"\b(?:Ph\.?\s?D|M\.?Sc|B\.?Sc|M\.?B\.?A|Ll\.?B|LL\.?\s?[BDM]|Ed\.?D|Psy\.?D)\b\.?",
        _degree,
        needs_digit=False,
    ),
    kind("title", rf"\b({_TITLE})\.(?=(?:\s+|-)[\"']?[A-Z])(?<!\bSt\.)", _title, needs_digit=False),
    kind(
        "title",
        r"\b(Mr|Mrs|Ms|Dr|Prof|mr|mrs|dr|Capt|Sgt|Lt|Cpl|Pte|Mme|Mlle|Messrs|Cllr)(?=\s+[A-Z\ufffc])",
        _title,
        needs_digit=False,
    ),
    kind("title", r"\b(mr|mrs)\b(?!\.)", _title, needs_digit=False),
    kind("initialism", r"\b[A-Z]{1,3};[A-Z]{1,3}\b", lambda match: spell(match.group()), needs_digit=False, needs=";&"),
    kind(
        "dotted letters",
        r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b(?!\.))?|"
        r"(?<![A-Za-z.])(?:[A-Z]\. ){1,3}[A-Z]\.(?= [A-Z]?[a-z]|[,;:!?)\"']| ?[\d\ufffc]|\s*$)|"
        r"\b(?:i\. e|e\. g|q\. v|a\. m|p\. m)\.|(?<=[\d\ufffc] )[AP]\. M\.",
        _dotted,
        needs_digit=False,
        needs=".",
    ),
    kind("letter", r"(?m)(?<=\()a(?=\))|^a(?=\) )", spell("a"), needs_digit=False, needs=")"),
    kind(
        "question",
        r"(?m)(?:^|(?<=[.?!] ))([QA])(?:\.(?=\s+[A-Z])|(?=:\s))",
        _asked,
        needs_digit=False,
        hint=r"\b[QA][.:]",
    ),
    kind(
        "species",
        r"(?<![\w.])([A-Z])\.(?= [a-z]{2})",
        lambda match: spell(match.group(1)),
        needs_digit=False,
        needs=".",
    ),
    kind("initial", r"(?<![\w.])([A-Z])\.(?=\s+[A-Z][\w'])", _initial, needs_digit=False, needs="."),
    kind("Latin", r"\b(?:op|loc)\. cit\.|\bet seq\.|\bibid\.|\bIbid\.", _latin, needs_digit=False, needs="."),
    kind("versus", r"(?<=[a-z] )v(?= [A-Z][a-z])", _against, needs_digit=False),
    kind("versus", r"\b(?:vs|v)\b\.?(?=\s)(?<=vs|s\.|v\.)", "versus", needs_digit=False),
    kind("old month", r"(?<=\ufffc )(inst|ult|prox)\.", _old_month, needs_digit=False, needs="."),
    kind("number", r"\b[Nn]o\.(?= of\b)", "number", needs_digit=False, needs="."),
    kind(
        "abbreviation",
        r"\b[Aa]ssoc\.(?= (?:\ufffc|(?:[Pp]rof|[Pp]rofessor|[Dd]irector|[Ee]ditor|[Dd]ean)\b))",
        "associate",
        needs_digit=False,
        needs=".",
    ),
    kind(
        "scale",
        r"(?<=degrees )([CFK])\b",
        lambda match: _SCALES[match.group(1)],
        needs_digit=False,
        hint="degrees [CFK]",
    ),
    kind("month", r"\b(Jan|Feb|Aug|Sept|Sep|Oct|Nov|Dec)\.(?=\s|,|$)", _month, needs_digit=False),
    kind("day", r"\b(Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat|Sun)\.(?=[\s,)\"']|$)", _day, needs_digit=False),
    kind(
        "day",
        r"\b(Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat|Sun)(?=,?\s(?:\ufffc|\d|\d))",
        lambda match: weekday(match.group(1)),
        hint=r"\b[MTWFS][a-z]+,?\s",
    ),
    kind("abbreviation", r"\b([A-Za-z]{2,7})\.(?=[\s,;:)\"'\ufffc\d]|$)", _word, flags=re.I, needs_digit=False),
)
"""Abbreviations. The surer a surrounding, the earlier its row."""


def _named_street(match: re.Match[str]) -> str | None:
    """A street, where its name is one: not "Then Dr" or "Main St Peter"."""
    name = match.group(2).split()[0]
    if name in (
        "The",
        "Then",
        "And",
        "But",
        "See",
        "Ask",
        "Call",
        "In",
        "On",
        "At",
        "When",
        "Is",
        "Our",
        "My",
        "Good",
        "If",
        "Dear",
    ):
        return None
    if match.group(3) == "St" and re.match(r"\.?\s+[A-Z]", rest_of(match)) and not _AT_A_STREET.search(_lead_of(match)):
        return None
    if match.group(3) == "Dr" and not match.group(4) and not re.match(r"\s*(?:,|$|\n)", rest_of(match)):
        return None
    words = _street(match)
    return words[:1].upper() + words[1:] if not match.group(1) else words
