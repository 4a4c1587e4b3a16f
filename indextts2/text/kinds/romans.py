"""Roman numerals: after names, after words that are counted, before centuries."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .context import STARTERS, next_word, word_before
from .find import Kind, kind

_ROMAN = r"(?=[MDCLXVI])(?:M{0,3})(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?<=[MDCLXVI])"
_CAPITAL = r"[IVXLCDM](?![a-z])"
_WORDS = frozenset("MIX DI MI CV CD MD DC MC LI XL MM CC CM DL DV DIX LIV MCI CI DM CL ML".split())
"""Valid numerals that are something else when they stand alone."""

_COUNTED = (
    "Chapter|Part|Act|Scene|Volume|Vol|Book|War|Section|Episode|Type|Class|Grade|Phase|Stage|Level|Article|Title|Appendix|"
    "Figure|Table|Bowl|Mark|Mk|Series|Division|Tier|Category|Group|Canto|Psalm|Lesson|Unit|Model|Schedule|Amendment|Rocky|"
    "Apollo|Saturn|Gemini|Quest|Fantasy|Warcraft|Diablo|Schedule|Lecture|Exercise|Step|Round|Hall|Olympiad|Fate|Games?|GTA|Civilization|"
    "Civ|Evil|Creed|Souls|Scrolls|Saw|Doom|Halo"
)
_LETTERED = frozenset(
    "Class Type Model Series Group Category Grade Schedule Tier Unit Level Division Hall Section".split()
)
"""What is named by letters too: Model X, Class C."""

_SHORT = {"Vol": "volume", "Mk": "mark", "Sc": "scene", "Pl": "plate", "Ch": "chapter", "Chap": "chapter",
          "P": "page", "Pp": "pages", "Bk": "book", "App": "appendix", "Fig": "figure"}  # fmt: skip
_RULERS = (
    "Henry|Louis|Edward|George|Charles|William|James|Richard|Elizabeth|Philip|Paul|Pius|John|Benedict|Leo|Napoleon|Mary|Anne|"
    "Catherine|Peter|Nicholas|Frederick|Gregory|Alexander|Ramses|Ramesses|Francis|Victoria|Ivan|Otto|Rudolf|Ferdinand|Felipe|"
    "Carlos|Juan|Alfonso|Christian|Gustav|Harald|Haakon|Olaf|Margaret|Isabella|Wilhelm|Friedrich|Innocent|Clement|Urban|"
    "Boniface|Sixtus|Julius|Adrian|Constantine|Darius|Xerxes|Cyrus|Ptolemy|Cleopatra|Thutmose|Amenhotep|Robert|David|"
    "Stephen|Leopold|Albert|Ludwig|Maximilian|Mehmed|Murad|Selim|Suleiman|Abdul|Pedro|Umberto|Michael|Baldwin|Edmund"
)
_PRONOUN_BEHIND = frozenset(
    "am have had love think know do did want need hope can could would should will must don't didn't can't won't "
    "never just "
    "saw see said say told tell wish swear feel felt mean guess like believe promise got get always really still "
    "was'nt".split()
)
"""Verbs behind an I that is the speaker and no numeral."""


def _value(text: str) -> int:
    return numbers.roman(text)


def _counted(match: re.Match[str]) -> str | None:
    """Chapter IV, Type II, Super Bowl LVIII; Part I unless "I" goes on with a verb."""
    if match.group(2) == "I" and next_word(match).lower() in _PRONOUN_BEHIND:
        return None
    if match.group(2) in "CDLMX" and match.group(1).capitalize() in _LETTERED:
        return None
    return numbers.cardinal(_value(match.group(2)))


def _ruler(match: re.Match[str]) -> str | None:
    """Louis XIV, Elizabeth I; but John V. Smith, Robert C. Martin and John Wick II."""
    single = len(match.group(2)) == 1
    if single and (match.group(2) in "CDLM" or _is_initial(match)):
        return None
    if _is_sequel(match):
        return f"{match.group(1)} {numbers.cardinal(_value(match.group(2)))}"
    if match.group(2) == "I" and next_word(match).lower().partition("'")[0] in _PRONOUN_BEHIND:
        return None
    return f"{match.group(1)} the {numbers.ordinal(_value(match.group(2)))}"


def _is_initial(match: re.Match[str]) -> bool:
    """Whether a point and a name follow, and no word that begins a sentence."""
    found = re.match(r"\.\s([A-Z][a-z]+)", match.string[match.end() : match.end() + 30])
    return found is not None and found.group(1).lower() not in STARTERS


_TITLES = frozenset(
    """john wick,tony hawk,max payne,johnny english,harry potter,donnie darko,paul blart,john carter,bill "
    "ted,jack reacher,
    robin hood,peter rabbit,king arthur,alan wake,leisure larry,ted lasso,jack frost,frank castle,mary poppins,
    steve jobs,benjamin button,charlie brown,oliver twist,peter pan,captain america,joe dirt,ace ventura,austin powers,
    george jungle,charlie wilson,henry hatsworth,alice wonderland,sam max,eric north,luigi mansion""".replace("\n", "")
    .replace("    ", "")
    .split(",")
)
"""Films and games that are called like a person."""

_OF_FILMS = re.compile(
    r"\b(?:films?|movies?|sequels?|prequels?|trilogy|franchise|games?|gaming|trailers?|box office|cinemas?|"
    r"theaters?|critics|"
    r"remake|reboot|remaster(?:ed)?|DLC|Steam|Netflix|Xbox|PlayStation|PS[345]|Switch|directed|starring|streaming|watch(?:ed|ing)?|"
    r"played|playing|release[sd]?|screening|Blu-ray|DVD|soundtrack|rewatch(?:ed)?|speedrun)\b"
)


def _is_sequel(match: re.Match[str]) -> bool:
    """Whether a name with a numeral is a film's or a game's: by its title, or by what the text speaks of."""
    name = match.group(1).lower()
    return match.group(2) != "I" and (name in _TITLES or _OF_FILMS.search(match.string) is not None)


def _person(match: re.Match[str]) -> str:
    """Edwin Meese III -> the third; John Wick II -> two."""
    number = _value(match.group(2))
    return f"{match.group(1)} {numbers.cardinal(number) if _is_sequel(match) else 'the ' + numbers.ordinal(number)}"


def _century(match: re.Match[str]) -> str:
    return numbers.ordinal(_value(match.group(1)))


def _world_war(match: re.Match[str]) -> str:
    """WWII -> world war two."""
    return f"world war {'two' if match.group(1) in ('II', '2') else 'one'}"


_SMALL_HEADS = (
    "act|sc|pl|plate|ch|chap|pp?|bk|app|fig|scene|part|chapter|book|volume|vol|canto|section|page|pages|verse|figure|table|"
    "appendix|stanza|line"
)


def _small(match: re.Match[str]) -> str:
    """Act v, scene iv; page xii."""
    head, first, last = match.groups()
    words = f"{_SHORT.get(head.capitalize(), head)} {numbers.cardinal(_value(first))}"
    return words + (f" to {numbers.cardinal(_value(last))}" if last else "")


def _lines(match: re.Match[str]) -> str:
    """Macbeth, I. vii. 1-28."""
    act, scene, first, last = match.groups()
    words = f"act {numbers.cardinal(_value(act))}, scene {numbers.cardinal(_value(scene))}, line"
    return f"{words}s {numbers.spoken(first)} to {numbers.spoken(last)}" if last else f"{words} {numbers.spoken(first)}"


_FIRST_NAMES = (
    "Thomas|Edwin|Sammy|Martin|Walter|Arthur|Harold|Donald|Ronald|Kenneth|Joseph|Samuel|Daniel|Benjamin|Ted|Bill|Bob|Jack|"
    "Frank|Ken|Franklin|Theodore|Steven|Patrick|Andrew|Anthony|Mark|Matthew|Luke|Adam|Eric|Brian|Kevin|Gary|Larry"
)


def _year(match: re.Match[str]) -> str | None:
    """MCMXC -> nineteen ninety."""
    number = _value(match.group())
    return numbers.year(number) if 1100 <= number <= 2099 else None


def _small_alone(match: re.Match[str]) -> str:
    """(iv) the fourth; ii) the second."""
    return numbers.cardinal(_value(match.group()))


def _alone(match: re.Match[str]) -> str | None:
    """Rocky II, Final Fantasy VII: behind a name with a capital."""
    text = match.group()
    before = word_before(match)
    if text in _WORDS or not before[:1].isupper() or (before.isupper() and len(before) > 1):
        return None
    return numbers.cardinal(_value(text))


def _heading(match: re.Match[str]) -> str:
    return numbers.cardinal(_value(match.group(1))) + "."


_SMALL = r"(?=[ivxl])(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})(?<=[ivxl])"
ROMANS: tuple[Kind, ...] = (
    kind(
        "numeral heading",
        rf"(?m)^[ \t]*(?![CDLM]\.)({_ROMAN})\.(?=[ \t]+[A-Z][^.\n]{{0,60}}$)",
        _heading,
        needs_digit=False,
        hint=_CAPITAL,
    ),
    kind(
        "century",
        rf"\b({_ROMAN})(?:th|st|nd|rd)?(?=[ -](?:century|centuries|cent\.))",
        _century,
        needs_digit=False,
        hint="cent",
    ),
    kind(
        "personal name",
        rf"\b((?:{_RULERS}|{_FIRST_NAMES}) (?:[A-Z]\. )?[A-Z][a-z]+),? (I{{2,3}}|IV)\b(?!\.\w)",
        _person,
        needs_digit=False,
        hint="I[IV]",
    ),
    kind(
        "scene and line",
        rf"\b([IVX]{{1,4}})\.\s?({_SMALL})\.\s?(\d{{1,4}})(?:[-–](\d{{1,4}}))?(?!\w)",
        _lines,
        hint=r"[ivx]\.\s?\d",
    ),
    kind(
        "counted numeral",
        rf"\b({_COUNTED}|{_COUNTED.upper()})\.? ({_ROMAN})\b(?!\.\w|['’](?!s\b)\w)",
        lambda match: (
            lambda words: (
                None if words is None else f"{_SHORT.get(match.group(1).capitalize(), match.group(1))} {words}"
            )
        )(_counted(match)),
        needs_digit=False,
        hint=_CAPITAL,
    ),
    kind(
        "ruler",
        rf"\b((?:(?:{_RULERS}) )*(?:{_RULERS})) ({_ROMAN})\b(?!\.\w|['’](?!s\b)\w|\.\s?[A-Z]\.)",
        _ruler,
        needs_digit=False,
        hint=_CAPITAL,
    ),
    kind(
        "numeral", rf"(?<=[a-z] )(?=[IVXL]{{2}}){_ROMAN}\b(?!['’](?!s\b)\w)", _alone, needs_digit=False, hint=_CAPITAL
    ),
    kind(
        "numeral",
        r"\b(?:III?|VIII?|XII|XIII|XI[VX]|XVI{0,3}|XXI{0,3}|XXX)\b(?!['’])",
        lambda match: numbers.cardinal(_value(match.group())),
        needs_digit=False,
    ),
    kind("year", rf"\b(?=M[MDCLXVI]{{3,}}\b){_ROMAN}\b", _year, needs_digit=False, hint="M[MDCLX]"),
    kind("world war", r"\bWW(I{1,2}|1|2)\b", _world_war, needs_digit=False, hint="WW"),
    kind(
        "small numeral",
        rf"(?i:\b({_SMALL_HEADS})\b\.?) (?!i\b(?! ?[-.,;:)]|$))({_SMALL})\b(?:[-–]({_SMALL})\b)?"
        r"(?:\.(?=,? [a-z\d\ufffc]))?(?!['’.]\w)",
        _small,
        needs_digit=False,
        hint=r"[.\s][ivxl]+\b",
    ),
    kind(
        "small numeral",
        r"(?<![A-Za-z]\()(?<=\()(?:i{1,3}|iv|vi{1,3}|ix|xi{0,2})(?=\))|(?<![\w('])(?:ii|iii|iv|vi{1,3}|ix)(?=\) )",
        _small_alone,
        needs_digit=False,
        needs=")",
    ),
    kind("numeral heading", rf"(?m)^[ \t]*({_ROMAN})\.?[ \t]*$(?=\n)", _heading, needs_digit=False),
)
