"""The languages of IndexTTS-2.5: their rows of the language table, and which one a text is probably in."""

from __future__ import annotations

import re

LANGUAGE_CODES = tuple(
    (
        "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la "
        "mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be "
        "tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su "
        "yue minnan wuyu dialect zh/en en/zh common"
    ).split()
)
"""Codes in the order of the rows of the language table (docs/spec/v25.md#language-rows)."""

COMMON_ROW = LANGUAGE_CODES.index("common")
VOCABULARY_CODES = LANGUAGE_CODES[: LANGUAGE_CODES.index("yue")]
"""The codes that have a special token of their own in the released vocabulary."""

RELEASED = ("zh", "en", "zhen", "ja", "es", "ar")
"""Languages that the released IndexTTS-2.5 was made for; the other rows exist, and fine-tunes fill them."""

AUTO = "auto"
CHOICES = (AUTO, *RELEASED, *sorted(set(LANGUAGE_CODES) - set(RELEASED)))
"""Choices of a language: "auto" judges by the characters; the rest are for checkpoints that know the language."""

WITHOUT_ALPHABET = frozenset(("zh", "zhen", "zh/en", "en/zh", "ja", "ko", "yue", "minnan", "wuyu", "dialect"))
"""Languages in which one text token is about one syllable; in all others it is a few letters."""

_SCRIPTS = (
    ("ja", r"[\u3040-\u30ff]"),
    ("ko", r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]"),
    ("zh", r"[\u3400-\u4dbf\u4e00-\u9fff]"),
    ("fa", r"[\u067e\u0686\u0698\u06af]"),
    ("ar", r"[\u0600-\u06ff\u0750-\u077f]"),
    ("he", r"[\u0590-\u05ff]"),
    ("uk", r"[\u0404\u0406\u0407\u0490\u0454\u0456\u0457\u0491]"),
    ("ru", r"[\u0400-\u04ff]"),
    ("el", r"[\u0370-\u03ff]"),
    ("th", r"[\u0e00-\u0e7f]"),
    ("hi", r"[\u0900-\u097f]"),
    ("hy", r"[\u0530-\u058f]"),
    ("ka", r"[\u10a0-\u10ff]"),
    ("vi", r"[\u01a0\u01a1\u01af\u01b0\u0110\u0111\u1ea0-\u1ef9]"),
    ("es", r"[\u00bf\u00a1\u00d1\u00f1]"),
    ("de", r"[\u00df\u1e9e]"),
    ("pl", r"[\u0104\u0105\u0118\u0119\u0141\u0142]"),
    ("tr", r"[\u011e\u011f\u0130\u0131]"),
)
"""The first of these whose characters a text holds decides."""

_PATTERNS = tuple((code, re.compile(pattern)) for code, pattern in _SCRIPTS)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_ASIDE = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")  # annotations, special tokens and tags say nothing about the language


def tag_of(choice: str) -> str:
    """A choice of a list as the tag of a text; "" where the characters decide."""
    return "" if choice == AUTO else choice


def language_row(code: str) -> int:
    """Row of a language in the table; any code that is not listed means "common", as in the released program."""
    lower = code.lower()
    return LANGUAGE_CODES.index(lower) if lower in LANGUAGE_CODES else COMMON_ROW


def detected_language(text: str) -> str:
    """The language a text is probably in, judged by its characters: English where nothing says otherwise.

    Chinese with at least one Latin word for every two Han characters is "zhen", the mixture of both.
    """
    bare = _ASIDE.sub(" ", text)
    code = next((code for code, pattern in _PATTERNS if pattern.search(bare)), "en")
    if code == "zh" and 2 * len(_LATIN_WORD.findall(bare)) >= len(_HAN.findall(bare)):
        return "zhen"
    return code
