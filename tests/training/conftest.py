"""What tests of training share."""

from __future__ import annotations

import pytest


@pytest.fixture
def own_precision():
    """A mixed precision of this test's own: accelerate keeps the first one of a process."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()
