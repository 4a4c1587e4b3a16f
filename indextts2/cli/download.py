"""Download the released IndexTTS-2 files. Started again after an interruption, it resumes where it stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import add_output_options, positive, progress_bar, write_result

HELP = "download the official checkpoint"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    from ..loading.download.hubs import HUGGING_FACE, SOURCES

    parser.add_argument("checkpoint", choices=("official",), help="official: IndexTTS-2 and the models it needs")
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder for the files (default: models/indextts2/IndexTTS-2 of the ComfyUI that holds this pack, or "
        "IndexTTS-2 below the first folder of INDEXTTS2_MODELS)",
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
    from .common import Usage, model_folders

    try:
        published_files(options.parts)
    except InputError as error:
        raise Usage(str(error)) from error
    folder = options.to or download_folder(model_folders())
    if folder is None:
        raise Usage("Name the folder for the files with --to.")
    settings = DownloadSettings(options.source, options.revision, tuple(options.parts), options.workers)
    with progress_bar(options, "downloading", in_bytes=True) as progress:
        report = download_official(folder, settings, progress)
    result = {
        "folder": str(folder),
        "fetched": list(report.fetched),
        "present": list(report.present),
        "bytes": report.bytes,
    }
    summary = f"{len(report.fetched)} files downloaded ({report.bytes / 1e6:.1f} MB), {len(report.present)} were there"
    write_result(options, result, f"{folder}: {summary}. Read the licence files before you use the models.")
