"""Addresses of the web, of mail and of files; handles and hashtags; read sign by sign."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .find import Kind, kind
from .letters import is_word, spell, word_or_letters

_SIGNS = {
    ".": "dot", "@": "at", "/": "slash", "-": "dash", "_": "underscore", ":": "colon", "?": "question mark",
    "=": "equals", "&": "and", "#": "hash", "%": "percent", "+": "plus", "~": "tilde", "\\": "backslash",
}  # fmt: skip
_SUFFIXES = (
    "js|ts|jsx|tsx|py|txt|pdf|docx?|xlsx?|pptx?|csv|tsv|json|xml|html?|css|md|png|jpe?g|gif|svg|webp|mp[34]|wav|ogg|flac|m4a|"
    "zip|tar|gz|7z|rar|exe|dll|sh|bat|cpp|hpp|java|rs|rb|php|sql|ya?ml|toml|ini|cfg|conf|log|tmp|bak|net|srt|vtt|epub|mov|"
    "mkv|avi|iso|dmg|apk|deb|rpm|ipynb|safetensors|onnx|bin|dat|db|lock|env|webm|psd|ai|io"
)
_ENDINGS = (
    r"com(?:\.[a-z]{2})?|org(?:\.uk)?|net|io|edu|gov(?:\.uk)?|mil|co\.[a-z]{2}|ac\.uk|uk|de|fr|ru|nl|eu|ch|jp|cn|ca|tv|ai|"
    "app|dev|info|biz|fm|gg|xyz|ly|me"
)
_COUNTRIES = frozenset("uk de fr ru nl eu ch jp cn ca tv ai io us fm gg au nz".split())
_TOKEN = re.compile(r"\d+|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|.", re.S)
_LONGEST_NUMBER = 2  # digits read as a number inside an address; 4 are read as a year
_YEAR = 4


def said_signs(text: str) -> str:
    """Words, numbers and the names of signs of an address."""
    return " ".join(_said(token) for token in _TOKEN.findall(text) if not token.isspace())


def _said(token: str) -> str:
    if token.isdecimal():
        plain = len(token) <= _LONGEST_NUMBER or len(token) == _YEAR
        return numbers.pairs(token) if plain else numbers.digits(token)
    if token.lower() == "www" or token.lower() in _COUNTRIES:
        return spell(token)
    return _SIGNS.get(token, token) if not token.isalpha() else word_or_letters(token)


def _web(match: re.Match[str]) -> str:
    return said_signs(re.sub(r"^(?:https?|ftp)://|/$", "", match.group(), flags=re.I))


def _file(match: re.Match[str]) -> str:
    """A name with a suffix; the suffix is spelled unless it is a word."""
    name, _, suffix = match.group().rpartition(".")
    known = is_word(suffix) or suffix.lower() in ("java", "toml", "json", "yaml", "conf")
    return f"{said_signs(name)} dot {suffix if known else _spelled(suffix)}".strip()


def _spelled(suffix: str) -> str:
    return " ".join(
        numbers.digits(part) if part.isdecimal() else spell(part) for part in re.findall(r"\d+|\D+", suffix)
    )


def _dotted_name(match: re.Match[str]) -> str | None:
    """os.path.join, np.array(), but not two words of which somebody forgot the blank, nor e.g. and a.m."""
    parts = match.group().removesuffix("()").split(".")
    code = len(parts) > 2 or match.group().endswith("()") or not all(map(is_word, parts))
    return said_signs(".".join(parts)) if code and max(map(len, parts)) > 1 else None


def _hashtag(match: re.Match[str]) -> str:
    """#ThrowbackThursday -> hashtag throwback thursday."""
    return "hashtag " + said_signs(match.group(1))


ADDRESSES: tuple[Kind, ...] = (
    kind(
        "web address",
        r"(?:https?|ftp)://[^\s<>\"'()]+[\w/]|\bwww\.[^\s<>\"'()]+[\w/]",
        _web,
        flags=re.I,
        needs_digit=False,
        hint=r"[:wW][/wW][/wW]",
    ),
    kind(
        "mail address",
        r"(?<![\w.])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*\.\w{2,63}",
        _web,
        needs_digit=False,
        needs="@",
    ),
    kind(
        "web address",
        rf"\b(?:[a-zA-Z0-9][\w-]{{0,62}}\.){{1,4}}(?:{_ENDINGS})\b(?:/[\w./?=&%#~+-]*[\w/])?(?!\.\w)",
        _web,
        needs_digit=False,
        hint=r"\.\w",
    ),
    kind(
        "file",
        rf"(?<![\w.])(?:[\w-]{{1,63}}\.){{0,3}}[\w-]{{0,63}}[\w]\.(?:{_SUFFIXES})\b(?!\.\w)",
        _file,
        flags=re.I,
        needs_digit=False,
        hint=r"\.\w",
    ),
    kind(
        "file",
        rf"(?<![\w.])(?:\.(?:{_SUFFIXES}))?\.(?:{_SUFFIXES})\b(?![\w.]*\w)",
        _web,
        needs_digit=False,
        hint=r"(?:^|\s|[\"'(])\.[a-z0-9]",
    ),
    kind(
        "file",
        r"(?<![\w.])(?:~/)?\.(?:NET|net|env|gitignore|bashrc|git|github|vscode)\b",
        _file,
        needs_digit=False,
        hint=r"\.\w",
    ),
    kind(
        "path",
        r"(?<![\w./])(?:~|\.{1,2})?(?:/[\w.-]*\w){2,}/?(?!\w)|~/[\w./-]*\w|\b[A-Z]:\\[\w\\.-]*\w",
        _web,
        needs_digit=False,
        needs="/\\",
    ),
    kind(
        "name of a program",
        r"(?<![\w.@/])[A-Za-z_]\w*(?:\.[a-z_]\w*)+(?:\(\))?(?![\w(]|\.\w)",
        _dotted_name,
        needs_digit=False,
        hint=r"[a-z_]\.[a-z_]",
    ),
    kind(
        "option",
        r"(?<!\S)(--)([a-z][\w-]+)",
        lambda match: "dash dash " + said_signs(match.group(2)),
        needs_digit=False,
        needs="-",
    ),
    kind(
        "option",
        r"(?<=[a-z\ufffc] )-([b-zB-HJ-Z])(?=\s[\w./~\"'\ufffc-]|=|$)",
        lambda match: "dash " + spell(match.group(1)),
        needs_digit=False,
        needs="-",
    ),
    kind(
        "handle",
        r"(?<![\w@])@(\w*[A-Za-z]\w*)",
        lambda match: "at " + said_signs(match.group(1)),
        needs_digit=False,
        needs="@",
    ),
    kind("numbered", r"(?<![\w#&])#(?=[A-Z]{1,6}-\d)", "number ", needs="#"),
    kind("hashtag", r"(?<![\w#&])#(\w*[A-Za-z]\w*)", _hashtag, needs_digit=False, needs="#"),
)
"""Kinds of addresses. Longer forms first."""
