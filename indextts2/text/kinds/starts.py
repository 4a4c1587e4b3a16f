"""Whether a pattern can only match where a number begins, told from its source, so that it is tried nowhere else.

Told with care: what is not understood may begin anywhere. A test holds every kind of the table to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.S)
_GUARDS = ("(?<!", "(?<=")
_OPTIONAL = ("?", "*", "{0", "{,")


def begins_with_number(pattern: str) -> bool:
    """Whether every match begins with a digit no digit stands before, with the point of a decimal, or with a minus."""
    return len(list(_alternatives(pattern))) == 1 and _begins(pattern, guarded=False)


def _begins(pattern: str, *, guarded: bool) -> bool:
    while pattern.startswith(_GUARDS):
        guard, pattern = _group(pattern)
        guarded = guarded or (guard.startswith("(?<![") and ("\\w" in guard or "\\d" in guard))
    if pattern.startswith(("[-–]", "\\.\\d")):
        return True
    if pattern.startswith(("\\d", "0", "1")):
        return guarded
    if not pattern.startswith("("):
        return False
    group, behind = _group(pattern)
    inner = group[1:-1].removeprefix("?:")
    if inner.startswith("?") or (inner and not all(_begins(one, guarded=guarded) for one in _alternatives(inner))):
        return False
    return _begins(behind.lstrip("?"), guarded=guarded) if not inner or behind.startswith(_OPTIONAL) else True


def _group(pattern: str) -> tuple[str, str]:
    """The group at the beginning of a pattern, and what stands behind it."""
    depth = end = 0
    for part in _PART.findall(pattern):
        end += len(part)
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth == 0:
            break
    return pattern[:end], pattern[end:]


def _alternatives(pattern: str) -> Iterator[str]:
    """The alternatives of a pattern, outside of its groups."""
    depth = 0
    found = ""
    for part in _PART.findall(pattern):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if part == "|" and depth == 0:
            yield found
            found = ""
        else:
            found += part
    yield found
