"""All kinds in the order in which they are looked for. What is found first is masked for the others."""

from __future__ import annotations

from .address import ADDRESSES
from .chat import CHAT
from .codes import CLAUSES, CODES, MODELS
from .dates import DATES
from .find import Kind
from .kitchen import KITCHEN
from .measures import MEASURES
from .money import MONEY
from .names import NAMES
from .plain import HEADED, LAST, NUMBERS
from .plays import PLAYS
from .ratios import HYPHENS, RATIOS, SIGNS
from .romans import ROMANS
from .short import SHORTS
from .times import TIMES

KINDS: tuple[Kind, ...] = (
    *ADDRESSES,
    *PLAYS,
    *DATES,
    *CODES,
    *HEADED,
    *CLAUSES,
    *TIMES,
    *MONEY,
    *CHAT,
    *KITCHEN,
    *MEASURES,
    *NUMBERS,
    *RATIOS,
    *ROMANS,
    *NAMES,
    *SHORTS,
    *SIGNS,
    *MODELS,
    *LAST,
    *HYPHENS,
)
