"""All kinds in the order in which they are looked for. What is found first is masked for the others."""

from __future__ import annotations

from .address import ADDRESSES
from .codes import CODES, MODELS
from .dates import DATES
from .find import Kind
from .measures import MEASURES
from .money import MONEY
from .names import NAMES
from .plain import HEADED, LAST, NUMBERS
from .plays import PLAYS
from .ratios import HYPHENS, RATIOS, SIGNS
from .romans import ROMANS
from .times import TIMES

KINDS: tuple[Kind, ...] = (
    *ADDRESSES,
    *PLAYS,
    *DATES,
    *CODES,
    *HEADED,
    *TIMES,
    *MONEY,
    *MEASURES,
    *NUMBERS,
    *RATIOS,
    *ROMANS,
    *NAMES,
    *SIGNS,
    *MODELS,
    *LAST,
    *HYPHENS,
)
