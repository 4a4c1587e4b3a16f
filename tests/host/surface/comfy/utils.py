"""Stand-in for comfy.utils: the progress bar, which must never go back."""

from __future__ import annotations

from typing import Any

bars: list[ProgressBar] = []


class ProgressBar:
    def __init__(self, total: int, node_id: Any = None):
        assert total > 0, "a progress bar needs a positive total"
        self.total, self.current, self.history = total, 0, []
        bars.append(self)

    def update_absolute(self, value: float, total: int | None = None, preview: Any = None) -> None:
        self.total = total if total is not None else self.total
        self.current = min(value, self.total)
        share = self.current / self.total
        assert not self.history or share >= self.history[-1], f"the progress bar went back to {share}"
        self.history.append(share)

    def update(self, value: float) -> None:
        self.update_absolute(self.current + value)
