"""The record of a training run: a CSV table, and a picture of its curves."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path

from ...atomic import append_text, make_folder, replacing, write_text
from ...errors import TrainingError

CLOCK_COLUMNS = ("step", "minutes", "learning_rate")
PLOT_COLUMNS = 3
PLOT_INCHES = (4.2, 2.8)
PLOT_DPI = 80
SKIPPED_SHARE = 0.02  # of the first rows, whose losses would flatten the rest of the picture


class TrainingLog:
    """Appends rows to a CSV file. The table is rewritten when a row brings a new column."""

    def __init__(self, path: Path, *, last_step: int) -> None:
        """Rows after `last_step` are dropped: they belong to work that was lost and will be done again."""
        self.path = path
        kept = [row for row in read_log(path) if int(float(row["step"])) <= last_step]
        self.columns = list(kept[0]) if kept else list(CLOCK_COLUMNS)
        self._rewrite(kept)

    def append(self, row: Mapping[str, float]) -> None:
        new = [name for name in row if name not in self.columns]
        if new:
            rows = read_log(self.path)
            self.columns += new
            self._rewrite(rows)
        line = io.StringIO(newline="")
        csv.DictWriter(line, self.columns, restval="").writerow(
            {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}
        )
        append_text(self.path, line.getvalue(), TrainingError)

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        make_folder(self.path.parent, TrainingError)
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, self.columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path, table.getvalue(), TrainingError)


def read_log(path: Path) -> list[dict[str, str]]:
    """Rows of the table, as text; none when the file does not exist. A torn last row is left out."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row.get("step") and None not in row.values()]


def plot_curves(table: Path, picture: Path) -> None:
    """Draw every column over the steps. Nothing is drawn while the table is empty."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = read_log(table)
    rows = rows[int(len(rows) * SKIPPED_SHARE) :]
    if not rows:
        return
    names = [name for name in rows[0] if name not in ("step", "minutes")]
    lines = math.ceil(len(names) / PLOT_COLUMNS)
    figure = Figure(figsize=(PLOT_COLUMNS * PLOT_INCHES[0], lines * PLOT_INCHES[1]), layout="tight")
    FigureCanvasAgg(figure)
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(lines, PLOT_COLUMNS, place)
        points = [(float(row["step"]), float(row[name])) for row in rows if row[name]]
        axes.plot([step for step, _ in points], [value for _, value in points], linewidth=1)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    with replacing(picture, TrainingError) as file:
        figure.savefig(file, dpi=PLOT_DPI, format="png")
