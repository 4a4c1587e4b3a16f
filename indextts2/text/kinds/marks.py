"""Signs that are written and not spoken: markup, Markdown, signs of faces; and rows, whose ends are pauses."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from ..tracked import TrackedText

Rule = tuple[re.Pattern[str], "str | Callable[[re.Match[str]], str]"]

_ELEMENTS = (
    "a|abbr|b|big|blockquote|body|br|break|center|cite|code|del|dd|div|dl|dt|em|font|footer|h[1-6]|head|header|hr|html|i|img|ins|kbd|li|"
    "main|mark|nav|ol|p|pre|q|ruby|rp|rt|s|section|small|span|strike|strong|style|sub|sup|table|tbody|td|th|thead|title|tr|tt|u|"
    "ul|var|wbr|speak|prosody|emphasis|say-as|voice|lang|audio|phoneme|w|mstts:[\\w-]+|amazon:[\\w-]+|par|seq|media|desc|mark"
)
_ATTRIBUTES = r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+))*"
_ELEMENT = re.compile(rf"</?(?:{_ELEMENTS}){_ATTRIBUTES}\s*/?>", re.I)
_BREAK_ELEMENT = re.compile(r"</?br\b", re.I)
_ROW_ELEMENT = re.compile(r"</?(?:p|div|li|tr|h[1-6]|blockquote|hr)\b", re.I)
_ALIAS = re.compile(r"<sub\s+alias\s*=\s*[\"']([^\"'<>]+)[\"']\s*>[^<>]*</sub>", re.I)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:|www\.)[^<>\s]+)>")
_TOKEN = re.compile(r"<\|\w{1,40}\|>")
_PLACEHOLDER = re.compile(r"<(/?[A-Za-z][\w-]{1,30})>")
_CITATION = re.compile(r"(?:(?<=[A-Za-z]{3})|(?<=[A-Za-z][.,;:\"]))\[\d{1,3}\](?!\w)")
_COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->", re.S)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,6});")
_LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"\n]*\")?\)")
_STRONG = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3}|~~)(?=[^\s*_~])([^\n]*?[^\s*_~\\]|[^\s*_~])\1(?![\w*])")
_CODE = re.compile(r"(?<!`)(`{1,3})(?!`)([^`]+)\1(?!`)")
_FENCE = re.compile(r"(?m)^[ \t]*(?:```|~~~)\w*[ \t]*$")
_HEADING = re.compile(r"(?m)^[ \t]{0,3}#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$")
_RULE = re.compile(r"(?m)^[ \t]*(?:[-_=*~] ?){3,}[ \t]*$")
_PLAIN_RULE = frozenset("-_* \t")
_QUOTED = re.compile(r"(?m)^[ \t]*>{1,4}(?:[ \t]+(?=[^\s\d])|(?=[A-Za-z\"]))")
_BULLET = re.compile(r"(?m)^[ \t]*(?:[-+–—]|\*|[•‣◦▪●○■□►➤✓✔→])[ \t]+(?=\S)")
_NUMBER_BULLET = re.compile(r"(?m)^([ \t]*\d{1,2})\)[ \t]+(?=\S)")
_CHANGE = re.compile(r"(?<![\w>])>{2,}(?!\w*>)\s?")
_SIGN_ROW = re.compile(r"([<=+@$%^&~#])(?<!\1\1)\1{3,}")
_HEART = re.compile(r"(?<=\b)(I|i|we|We|you|You|they|They|u)(\s+)(?:<3+|[❤♥])(?=\s+\w)")
_FACE = re.compile(
    r"(?<![\w<])(?:(?:[:;=][-~^']?|8-)(?:[)(\]\[]{1,4}|[DPpOo3/\\|*])|[xX]D+|<3+|</3|\^_+\^|[-o]_[-o]|T_T)(?!\w)"
)
_TABLE_EDGE = re.compile(r"(?m)^[ \t]*\|(.*)\|[ \t]*$")
_TABLE_RULE = re.compile(r"(?m)^[ \t]*(?:\|[ \t]*)?(?::?-{2,}:?[ \t]*\|[ \t]*)+(?::?-{2,}:?[ \t]*)?$")
_TRADE = re.compile("[™®℠]")
_ESCAPED = re.compile(r"\\(?=[\\`*_{}\[\]()#+.!|>~-])")
_NO_END = r"(?:(?<=[^\s.!?…:;,—–\-\"')\]])|(?<=[\s.!?…:;,—–-][\"')\]]))([\"')\]]*)"
"""Behind the last word of a row that no sign ends, with the quotes and brackets that follow it."""
_PARAGRAPH = re.compile(rf"{_NO_END}[ \t]*\n[ \t]*(?:\n[ \t]*)+(?=\S)")
_LIST_ROW = re.compile(rf"(?m){_NO_END}[ \t]*\n(?=[ \t]*(?:\d{{1,2}}[.)]\s|\d+ ?(?:\d/\d|[A-Za-z(])|\ufff9))")
_SHORT_ROW = re.compile(r"(?m)^([ \t]*[^\n]{1,45}[^\s.!?…:;,—–-])[ \t]*\n(?=[ \t]*[\"'(]?[A-Z])")
_PLAIN_BULLETS = frozenset("-*–—•‣")
_BULLET_SIGN = "\ufff9"
_SHOWN = 12  # different things named in a warning


def leave_out_marks(tracked: TrackedText, left_out: list[str]) -> None:
    """Take out what is no speech, and make ends of rows pauses. left_out: gets what a listener does not hear."""
    if not _MAY_HOLD_MARKS.search(tracked.text):
        return

    def gone(match: re.Match[str]) -> str:
        left_out.append(match.group().strip())
        if _BREAK_ELEMENT.match(match.group()):
            return ",\n"
        return ".\n" if _ROW_ELEMENT.match(match.group()) else " "

    def content(match: re.Match[str]) -> str:
        if match.group(1)[0] in "`~":
            left_out.append(match.group(1))
        return match.group(2)

    def inside(match: re.Match[str]) -> str:
        left_out.append("< >")
        return match.group(1)

    def link(match: re.Match[str]) -> str:
        left_out.append(match.group()[match.end(1) - match.start() + 1 :])
        return match.group(1)

    def bullet(match: re.Match[str]) -> str:
        sign = match.group().strip()
        left_out.extend([] if sign in _PLAIN_BULLETS else [sign])
        return _BULLET_SIGN

    def ruled(match: re.Match[str]) -> str:
        left_out.extend([match.group().strip()] if not _PLAIN_RULE.issuperset(match.group()) else [])
        return "\n"

    def row(match: re.Match[str]) -> str:
        left_out.append("|")
        return ", ".join(cell.strip() for cell in match.group(1).split("|") if cell.strip()) + "."

    rules: tuple[Rule, ...] = (
        (_COMMENT, gone),
        (_ALIAS, lambda match: match.group(1)),
        (_ELEMENT, gone),
        (_TOKEN, gone),
        (_AUTOLINK, inside),
        (_PLACEHOLDER, inside),
        (_CITATION, gone),
        (_ENTITY, _unescaped),
        (_FENCE, gone),
        (_TABLE_RULE, gone),
        (_TABLE_EDGE, row),
        (_LINK, link),
        (_RULE, ruled),
        (_HEADING, lambda match: match.group(1) + "\n\n"),
        (_QUOTED, gone),
        (_BULLET, bullet),
        (_NUMBER_BULLET, lambda match: match.group(1) + ". "),
        (_CHANGE, gone),
        (_SIGN_ROW, gone),
        (_HEART, lambda match: f"{match.group(1)}{match.group(2)}love"),
        (_FACE, gone),
        (_STRONG, content),
        (_STRONG, content),
        (_CODE, content),
        (_ESCAPED, ""),
        (_TRADE, gone),
        (_PARAGRAPH, lambda match: match.group(1) + ".\n"),
        (_LIST_ROW, lambda match: match.group(1) + ".\n"),
        (_SHORT_ROW, lambda match: match.group(1) + ",\n"),
        (re.compile(_BULLET_SIGN), ""),
    )
    for pattern, replacement in rules:
        tracked.sub(pattern, replacement)


_MAY_HOLD_MARKS = re.compile(r"[<>&*_`~#|\n\[\\^™®℠❤♥]|[:;=8xX][-~^']?[)(DPpOo3/\\|*\]\[]|[-•–—►➤✓✔→] |[=+@$%]{4}")


def _unescaped(match: re.Match[str]) -> str:
    character = html.unescape(match.group())
    return character if character != match.group() else match.group()


def left_out_warning(left_out: list[str]) -> tuple[str, ...]:
    """One warning naming what was left out; none for nothing."""
    different = list(dict.fromkeys(" ".join(one.split()) for one in left_out))
    if not different:
        return ()
    more = " and others" if len(different) > _SHOWN else ""
    return (f"Left out, as it is no speech: {' '.join(different[:_SHOWN])}{more}",)
