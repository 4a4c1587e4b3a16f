"""Download the released files of IndexTTS-2 or IndexTTS-2.5. Started again after an interruption, it resumes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .common import add_output_options, positive, progress_bar, write_result

HELP = "download the official checkpoint"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    from ..loading.download.hubs import HUGGING_FACE, SOURCES
    from ..loading.releases import OFFICIAL_KIND, RELEASES

    parser.add_argument("checkpoint", choices=("official",), help="official: the model and the models it needs")
    parser.add_argument(
        "--kind",
        choices=tuple(RELEASES),
        help=f"which release: {', '.join(f'{kind} is {name}' for kind, name in RELEASES.items())} "
        f"(default: that of the name of --to, else asked in a terminal, else {OFFICIAL_KIND})",
    )
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder for the files (default: IndexTTS-2 or IndexTTS-2.5 in models/indextts2 of the ComfyUI that holds "
        "this pack, or below the first folder of INDEXTTS2_MODELS)",
    )
    parser.add_argument(
        "--source",
        choices=SOURCES,
        default=HUGGING_FACE,
        help="where to download from; HF_ENDPOINT names a mirror of the first, MODELSCOPE_DOMAIN one of the second",
    )
    parser.add_argument("--revision", default="", help="branch, tag or commit of the repositories (default: newest)")
    parser.add_argument("--parts", nargs="+", default=(), metavar="PART", help="only these parts (default: all)")
    parser.add_argument("--workers", type=positive(int), default=4, metavar="N", help="files downloaded at a time")
    add_output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from ..errors import InputError
    from ..loading.download.download import DownloadSettings, download_official
    from ..loading.download.published import published_files
    from ..loading.host_folders import download_folder
    from ..loading.releases import OFFICIAL_NAMES
    from .common import Usage, model_folders

    try:
        published_files(options.parts)
    except InputError as error:
        raise Usage(str(error)) from error
    named = OFFICIAL_NAMES.get(options.to.name) if options.to else None
    kind = options.kind or named or _asked_kind(options)
    folder = options.to or download_folder(model_folders(), kind=kind)
    if folder is None:
        raise Usage("Name the folder for the files with --to.")
    settings = DownloadSettings(options.source, options.revision, tuple(options.parts), options.workers, kind=kind)
    with progress_bar(options, "downloading", in_bytes=True) as progress:
        report = download_official(folder, settings, progress)
    result = {
        "folder": str(folder),
        "kind": kind,
        "fetched": list(report.fetched),
        "present": list(report.present),
        "bytes": report.bytes,
    }
    summary = f"{len(report.fetched)} files downloaded ({report.bytes / 1e6:.1f} MB), {len(report.present)} were there"
    write_result(options, result, f"{folder}: {summary}. Read the licence files before you use the models.")


def _asked_kind(options: argparse.Namespace) -> str:
    """The kind that a person at the terminal chooses; the usual one where nobody can answer."""
    from ..loading.releases import OFFICIAL_KIND, RELEASES

    if options.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return OFFICIAL_KIND
    sys.stderr.write(f"Which release, {' or '.join(RELEASES)}? [{OFFICIAL_KIND}] ")
    sys.stderr.flush()
    answer = sys.stdin.readline().strip()
    return answer if answer in RELEASES else OFFICIAL_KIND
