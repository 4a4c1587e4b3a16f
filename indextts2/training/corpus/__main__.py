"""`python -m indextts2.training.corpus`: make a corpus by a recipe, or check one with --check."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from ...errors import IndexTTS2Error
from .check import check_corpus
from .maker import run
from .texts import listed_texts

_PROGRESS_EVERY = 50

logger = logging.getLogger(__name__)


def _progress(done: int, total: int) -> None:
    if done % _PROGRESS_EVERY == 0 or done == total:
        logger.info("%d of %d utterances", done, total)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m indextts2.training.corpus", description=__doc__)
    parser.add_argument("folder", type=Path, help="the corpus: manifest.jsonl and audio/")
    parser.add_argument("--recipe", type=Path, help="YAML recipe; makes what is missing")
    parser.add_argument("--teacher", type=Path, help="folder of the teacher, where the recipe names none")
    parser.add_argument("--check", action="store_true", help="only check the corpus that is there")
    parser.add_argument(
        "--held-out", type=Path, nargs="*", default=[], help="JSONL lists of texts training may not read"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0 when the corpus is sound, 1 when it is not, 2 for a wrong call."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    if options.check == (options.recipe is not None):
        parser.error("give either --recipe to make the corpus, or --check to check it")
    try:
        if options.check:
            report = check_corpus(options.folder, held_out_texts=listed_texts(options.held_out))
        else:
            report = run(options.recipe, options.folder, teacher_folder=options.teacher, progress=_progress)
    except IndexTTS2Error as error:
        logger.error("%s", error)
        return 1
    sys.stdout.write(report.summary() + "\n")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
