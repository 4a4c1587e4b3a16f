"""Numbers that name something: telephones, cards, ISBN, ZIP, versions, flights, models; read digit by digit or in "
"pairs."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .context import next_word
from .find import Kind, kind
from .letters import is_word, spell
from .places import PRESS_STATES, STATES

_AIRLINES = "AA|UA|BA|DL|LH|AF|QF|EK|SQ|KL|WN|AC|NH|JL|CX|TK|QR|EY|LX|OS|IB|AY|SK|VS|AS|FR"
_RELEASED = (
    "Python|python|Ubuntu|Debian|Fedora|Java|Go|Rust|Node|Ruby|Perl|PHP|Blender|Unity|Godot|Linux|Kernel|kernel|Android|"
    "macOS|iOS|Windows|PyTorch|Torch|CUDA|Django|Swift|Kotlin|Postgres|PostgreSQL|MySQL|Firefox|Chrome|CMake|GCC|Minecraft|"
    "version|Version|release|Release|patch|Patch"
)
_PLACES = (
    "Boeing|Porsche|Peugeot|Ferrari|Airbus|Fahrenheit|Room|room|Suite|suite|Flight|flight|Route|route|Highway|"
    "highway|Interstate|Apt|apartment|Gate|Bus|bus|Unit|Rte|Hwy|Rt"
)
_GROUP = re.compile(r"[A-Za-z]+|\d+")
_HEXADECIMAL = re.compile(r"(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{6,}")


def by_digits(match: re.Match[str]) -> str:
    """Groups of digits one by one, with a short pause between them. Groups of letters are words, or letters."""
    plus = "plus " if match.group().lstrip().startswith("+") else ""
    return plus + ", ".join(_group(group) for group in _GROUP.findall(match.group()))


def _card(match: re.Match[str]) -> str | None:
    """Groups of four digits, unless all of them are years."""
    groups = _GROUP.findall(match.group())
    return None if all("1100" <= group <= "2099" for group in groups) else by_digits(match)


def _group(group: str) -> str:
    if not group.isdecimal():
        return group.lower() if is_word(group) else spell(group)
    return f"{numbers.cardinal(int(group[0]))} hundred" if group in ("800", "900") else numbers.digits(group)


def _named_code(match: re.Match[str]) -> str:
    groups = _GROUP.findall(match.group(2))
    said = (numbers.digits(group) if group.isdecimal() else spell(group) for group in groups)
    return f"{spell(match.group(1))}, {', '.join(said)}"


def _zip(match: re.Match[str]) -> str:
    state = STATES.get(match.group(1) or "", "")
    return f"{state} {', '.join(numbers.digits(group) for group in match.group(2).split('-'))}".strip()


def _emergency(match: re.Match[str]) -> str | None:
    """911, unless it counts something."""
    word = next_word(match)
    return None if word.islower() and word.endswith("s") and len(word) > 4 else numbers.digits(match.group())


def _version(match: re.Match[str]) -> str:
    lead = "version " if match.group(1) else ""
    return lead + " point ".join(numbers.spoken(part) for part in match.group(2).split("."))


_COMPARED = {
    ">=": "at least",
    "<=": "at most",
    "==": "equals",
    "=": "equals",
    ">": "above",
    "<": "below",
    "~=": "about",
}


def _release(match: re.Match[str]) -> str:
    """Python 3.11 -> python three point eleven, Ubuntu 22.04 -> ubuntu twenty two point oh four."""
    name, sign, whole, part = match.groups()
    name += f" {_COMPARED[sign.strip()]}" if sign.strip() else ""
    tail = f"oh {numbers.cardinal(int(part))}" if part.startswith("0") else numbers.cardinal(int(part))
    return f"{name} {numbers.cardinal(int(whole))} point {tail}"


def _standard(match: re.Match[str]) -> str:
    """H.264 -> H two sixty four."""
    return f"{spell(match.group(1))} {numbers.pairs(match.group(2))}"


def _cylinders(match: re.Match[str]) -> str:
    """V8 -> V eight."""
    return f"{spell('v')} {numbers.cardinal(int(match.group(1) or match.group(2)))}"


def _party(match: re.Match[str]) -> str:
    """(D-MA) -> D, massachusetts."""
    return f"{spell(match.group(1))}, {(STATES | PRESS_STATES)[match.group(2)]}"


def _internet(match: re.Match[str]) -> str | None:
    parts = match.group(1).split(".")
    if not all(int(part) < 256 for part in parts):
        return None
    port = match.group(2)
    said = (numbers.digits(part) if len(part) > 2 else numbers.cardinal(int(part)) for part in parts)
    return " dot ".join(said) + (f" colon {numbers.pairs(port)}" if port else "")


def _flight(match: re.Match[str]) -> str:
    return f"{match.group(1) or ''} {spell(match.group(2) or '')} {numbers.pairs(match.group(3))}".strip()


def _place(match: re.Match[str]) -> str | None:
    number = match.group(2)
    name = {"Rte": "route", "Rt": "route", "Hwy": "highway", "Apt": "apartment"}.get(match.group(1), match.group(1))
    return f"{name} {numbers.pairs(number) if not number.endswith('00') else numbers.spoken(number)}"


def mixed(match: re.Match[str]) -> str | None:
    """MP3 -> M P three, A380 -> A three eighty, 1080p -> ten eighty P: capitals beside digits are letters."""
    text = match.group()
    if _HEXADECIMAL.fullmatch(text) or len(_GROUP.findall(text)) > 6:
        return " ".join(
            spell(sign) if sign.isalpha() else numbers.cardinal(int(sign)) for sign in text if sign.isalnum()
        )
    spoken: list[str] = []
    for part in re.findall(r"[A-Za-z]+|\d+(?:\.\d+)?", text):
        if part[0].isdecimal():
            spoken.append(numbers.pairs(part) if part.isdecimal() and len(part) > 1 else numbers.spoken(part))
        elif part == "s" and spoken and text.endswith("s"):
            spoken[-1] = numbers.plural(spoken[-1])
        else:
            short = len(part) < 3 or not is_word(part)
            spoken.append(spell(part) if part.isupper() or len(part) == 1 or (short and len(part) < 4) else part)
    return " ".join(spoken)


_LAW = (
    "Sections?|sections?|Forms?|Rules?|[Rr]egulation|Article|Ordinance|Statute|Directive|Resolution|Proposition|Prop|"
    "Executive Order|Psalm|IRS [Ff]orm"
)


def _law(match: re.Match[str]) -> str:
    """Section 4761 -> section forty seven sixty one; Form 1040 -> form ten forty."""
    head, first, last = match.groups()
    return f"{head} {numbers.pairs(first)}" + (f" to {numbers.pairs(last)}" if last else "")


def _law_report(match: re.Match[str]) -> str:
    """347 U.S. 483 -> three forty seven US four eighty three."""
    volume, reporter, page = match.groups()
    series = next((words for sign, words in _SERIES.items() if sign in reporter), "")
    name = re.sub(r"[23]d", "", reporter)
    words = " ".join(_REPORTERS.get(part, spell(part)) for part in re.findall(r"[A-Z][a-z]*", name))
    return f"{numbers.pairs(volume)} {words} {series} {numbers.pairs(page)}".replace("  ", " ")


def _clause(match: re.Match[str]) -> str:
    """501(c)(3) -> five oh one C three, and the (b)(6) of a number that was found before."""
    number, clauses = match.groups()
    words = [numbers.pairs(number)] if number else []
    for part in re.findall(r"\w+", clauses):
        value = int(part) if part.isdecimal() else numbers.roman(part) if re.fullmatch(r"[ivx]{2,}", part) else 0
        words.append(numbers.cardinal(value) if value else spell(part))
    return ("" if number else " ") + " ".join(words)


_CLAUSES = r"\([a-z]\)(?:\([a-zA-Z\d]{1,4}\)){0,3}|(?:\([a-zA-Z\d]{1,3}\)){2,4}"
_CLAUSE_HINT = r"\d\([a-zA-Z\d]{1,4}\)"
_SERIES = {"2d": "second", "3d": "third"}
_REPORTERS = {"U": spell("us"), "S": "", "Ct": "supreme court", "Supp": "supplement"}


def _hexadecimal(match: re.Match[str]) -> str:
    """0x1F -> zero X one F."""
    return " ".join(numbers.digits(sign) if sign.isdecimal() else spell(sign) for sign in match.group())


CODES: tuple[Kind, ...] = (
    kind("hexadecimal", r"\b0[xX][0-9a-fA-F]+\b", _hexadecimal, needs="xX"),
    kind("ISBN", r"\b(ISBN)(?:-1[03])?:?\s*(\d[\d -]{8,16}[\dXx])\b", _named_code, hint="ISBN"),
    kind(
        "card",
        r"(?<![\w-])\d{4}([ -])\d{4}\1\d{4}\1\d{4}\b|(?<![\w-])\d{4}([ -])\d{6}\2\d{5}\b",
        _card,
        hint=r"\d\d\d\d[ -]\d\d\d\d",
    ),
    kind(
        "telephone", r"(?<![\w+])\+(?=(?:[ .()-]*\d){7})\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}(?!\w)", by_digits, needs="+"
    ),
    kind("telephone", r"(?<![\w-])1-8\d\d-[A-Z0-9]+(?:-[A-Z0-9]+)*\b", by_digits),
    kind(
        "telephone",
        r"(?<![\w-])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])",
        by_digits,
        hint=r"\d[ .-]\d\d\d\d",
    ),
    kind("telephone", r"(?<![\w-])\d{3}-\d{4}(?![\w-])", by_digits),
    kind("telephone", r"(?<![\w-])0\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}(?![\w-])", by_digits),
    kind(
        "telephone",
        r"(?<=[Cc]all )\d{3}\b(?![.,]\d)|(?<=[Dd]ial )\d{3,8}\b|(?<=dialed )\d{3,8}\b|(?<=called )\d{3}\b(?! "
        r"[a-z]+s\b)",
        by_digits,
        hint=r"al(?:l|led|ed)? \d",
    ),
    kind("telephone", r"(?<![\w$.,/-])911\b(?![.,/]\d|-\d)", _emergency, hint="911"),
    kind("social number", r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])", by_digits),
    kind(
        "ZIP",
        rf"(?:(?<=[a-z] )|(?<=[a-z], )|(?<=[A-Z][A-Z], )|(?<![\w,] )\b(?!ID|IN|OR|ME|OK|HI|OH))({'|'.join(STATES)})[ "
        rf",]+(\d{{5}}(?:-\d{{4}})?)(?!\w)",
        _zip,
        hint=r"\d\d\d\d\d",
    ),
    kind("ZIP", r"(?<![\w-])()(\d{5}-\d{4})(?![\w-])", _zip),
    kind("internet address", r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{2,5}))?(?![\w.]*\d)", _internet),
    kind("version", r"(?<![\w.])([vV]\.?\s?)?(\d+(?:\.\d+){2,})(?!\w)", _version, hint=r"\.\d+\.\d"),
    kind(
        "version",
        r"(?<![\w.])(\d+(?:\.\d+)*)\.([xX])(?!\w)",
        lambda match: f"{numbers.spoken(match.group(1))} point {spell('x')}",
        hint=r"\d\.[xX]",
    ),
    kind(
        "release",
        rf"\b({_RELEASED}) (\d{{1,2}}\.\d{{1,2}})([a-z])\b",
        lambda match: f"{match.group(1)} {numbers.spoken(match.group(2))} {spell(match.group(3))}",
        hint=r"\.\d\d?[a-z]",
    ),
    kind(
        "law report",
        r"(?<![\w.,])(\d{1,3}) (U\.S\.|F\.[23]d|S\. ?Ct\.|F\. ?Supp\.(?: [23]d)?) (\d{1,4})(?![\w]|[.,]\d)",
        _law_report,
        hint=r"\d [UFS]\.",
    ),
    kind(
        "law",
        rf"\b({_LAW}) (\d{{3,4}})(?:\s?[-–]\s?(\d{{3,4}}))?(?![\w%]|[.,:-]\d)",
        _law,
        hint=r"[a-z] \d\d\d",
    ),
    kind(
        "law",
        r"\b(Public Law|Pub\. ?L\. No\.|Pub\. ?L\.|P\.L\.) (\d{2,3})[-–](\d{1,4})(?!\w)",
        lambda match: f"public law {numbers.pairs(match.group(2))}, {numbers.pairs(match.group(3))}",
        hint=r"L(?:aw|\.|o\.) \d",
    ),
    kind(
        "clause",
        rf"(?<![\w.,$-])(?<![A-Za-z]\. )(?<!§)(?<!§ )(\d{{1,4}})({_CLAUSES})(?![\w(])",
        _clause,
        hint=_CLAUSE_HINT,
    ),
    kind(
        "short code",
        r"((?:[Tt]ext|[Ss]end|SMS|[Rr]eply) [\w\"']{1,20} to )(\d{5,6})(?![\w]|[.,]\d)",
        lambda match: match.group(1) + numbers.digits(match.group(2)),
        hint=r" to \d\d\d\d\d",
    ),
    kind("engine", r"\bV(4|6|8|10|12|16)\b(?!\.\d)|\bv(4|6|8|10|12)(?= engine)", _cylinders, needs="vV"),
    kind(
        "release",
        rf"\b({_RELEASED})( ?(?:[<>=~]=|[<>=]) ?| )(\d{{1,2}})\.(\d\d)(?!\w|\.\d)",
        _release,
        hint=r"\d\.\d\d",
    ),
    kind(
        "standard",
        r"(?<![\w.])802\.11(a[cdx]|be|[abgn])?\b",
        lambda match: f"eight oh two dot eleven {spell(match.group(1) or '')}".rstrip(),
        hint="802",
    ),
    kind("standard", r"\b(H)[. ](26[345])\b", _standard, needs="H"),
    kind(
        "party",
        rf"(?<=\()([DRI])-({'|'.join((*STATES, *PRESS_STATES))})\.?(?=\))",
        _party,
        needs_digit=False,
        needs="(",
    ),
    kind("version", r"(?<![\w.])([vV])(\d+(?:\.\d+)?)(?!\w)", _version, needs="vV"),
    kind("flight", rf"\b([Ff]light )?\s*({_AIRLINES}) ?(\d{{2,4}})\b(?!\.\d|%)", _flight, hint=r"[A-Z][A-Z] ?\d"),
    kind(
        "model",
        r"\b(RTX|GTX|RX|HTTP|RFC|ISO|BMW|Error|error|Area|Mark|Nokia|Intel|Core|Nikon|Canon) (\d{3,4})\b(?![.,:]\d|%)",
        _place,
        hint=r" \d\d\d",
    ),
    kind("place", rf"\b({_PLACES})\.? (\d{{2,4}})\b(?![.,:]\d|%)", _place, hint=r" \d\d"),
)
"""Codes that no other kind must see first."""


def _models(match: re.Match[str]) -> str | None:
    """Q1-Q3 -> Q one to Q three, where the letters are the same."""
    first, low, second, high = match.groups()
    if first != second:
        return None
    return f"{spell(first)} {numbers.pairs(low)} to {spell(second)} {numbers.pairs(high)}"


def _nickname(match: re.Match[str]) -> str:
    """49ers -> forty niners."""
    words = numbers.cardinal(int(match.group(1)))
    return words + ("rs" if words.endswith("e") else "ers")


CLAUSES: tuple[Kind, ...] = (
    kind("clause", rf"(?<=\ufffc)()({_CLAUSES})(?![\w(])", _clause, needs_digit=False, hint=_CLAUSE_HINT),
)
"""Behind a number that was found before, as in Section 404(b)."""


def _lettered(match: re.Match[str]) -> str:
    """3.5A -> three point five amps, 2.5C -> two point five C."""
    amount, letter = match.groups()
    return f"{numbers.spoken(amount)} {'amps' if letter == 'A' else spell(letter)}"


MODELS: tuple[Kind, ...] = (
    kind("models", r"\b([A-Z])(\d{1,3})[-–]([A-Z])(\d{1,3})\b(?!-)", _models, hint=r"[A-Z]\d"),
    kind("decimal with a letter", r"(?<![\w.,])(\d*\.\d+)([A-Z])(?!\w|\.\w)", _lettered, hint=r"\.\d"),
    kind(
        "grade",
        r"(?:(?<=\b[Aa]n )A|(?<=\b[Aa] )[BCDF])-(?=[\s.,;:!?)]|$)",
        lambda match: spell(match.group()[0]) + " minus",
        needs_digit=False,
        needs="-",
    ),
    kind("nickname", r"\b(\d{2})ers\b", _nickname, hint=r"\ders"),
    kind("alphabet", r"\b(?:A[-–]Z|a[-–]z)\b", spell("a") + " to " + spell("z"), needs_digit=False),
    kind("model", r"\b(?:[A-Za-z]+\d|\d+[A-Za-z])[A-Za-z\d]*(?:(?<=\d)\.\d+)?(?![\w])", mixed),
    kind("model", r"(?<=[A-Z])-?(\d{2,4})\b(?![.,:]\d|%)", lambda match: " " + numbers.pairs(match.group(1))),
)
"""Letters and digits that nothing else explains; the last but the plain numbers."""
