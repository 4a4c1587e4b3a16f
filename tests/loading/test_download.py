"""The released files come whole or not at all, whatever the server does."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from indextts2.cli.main import main
from indextts2.config import Config
from indextts2.errors import Cancelled, CheckpointError, InputError
from indextts2.loading.config_file import dump_config
from indextts2.loading.describe import summary
from indextts2.loading.download.download import DownloadReport, DownloadSettings, download_official
from indextts2.loading.download.message import PACK, download_command, missing_files_message
from indextts2.loading.download.published import PUBLISHED, published_files
from indextts2.loading.download.sums import SUMS_NAME, read_sums, wrong_sums
from indextts2.loading.download.web import RetryPolicy
from indextts2.loading.find import find_checkpoints
from indextts2.loading.releases import RELEASES

from .loopback import Hub, serving

ROOT = Path(__file__).parent.parent.parent
HASTE = RetryPolicy(timeout=1.0, tries=4, first_wait=0.01, longest_wait=0.05)
OFFICIAL = "IndexTeam/IndexTTS-2"
BIG = 300_000  # bytes of the largest file here; large enough to be sent in several pieces


@pytest.fixture
def hub(monkeypatch, tmp_path):
    numbers = random.Random(0)
    files = {
        (file.repository, file.path): numbers.randbytes(BIG if file.path == "gpt.pth" else 1000)
        for kind in RELEASES
        for file in PUBLISHED[kind]
    }
    files[(OFFICIAL, "LICENSE.txt")] = b"conditions"
    files[("nvidia/bigvgan_v2_22khz_80band_256x", "LICENSE")] = b"other conditions"
    files[(OFFICIAL, "README.md")] = b"not wanted"
    with serving(files) as served:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("MODELSCOPE_DOMAIN", served.address)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no cache"))
        yield served


def get(folder: Path, parts: tuple[str, ...] = ("t2s",), **options):
    """One large and a few small files, unless a test is about all of them."""
    return download_official(folder, DownloadSettings(retries=HASTE, parts=parts, **options))


def assert_whole(hub: Hub, folder: Path, parts: tuple[str, ...] = ("t2s",)) -> None:
    for file in published_files(parts):
        assert (folder / file.local).read_bytes() == hub.files[(file.repository, file.path)], file.local
    assert not list(folder.rglob("*.part"))


def test_every_file_lands_where_the_loader_looks(hub, tmp_path):
    report = get(tmp_path / "new" / "folder", parts=())
    assert_whole(hub, tmp_path / "new" / "folder", ())
    assert len(report.fetched) == len(PUBLISHED["2.0"]) + 2 and report.present == ()
    wanted = [content for (owner, _), content in hub.files.items() if owner != RELEASES["2.5"]]
    assert report.bytes == sum(map(len, wanted)) - len(b"not wanted")


def test_the_other_release_comes_from_its_own_repository_and_without_the_old_codec(hub, tmp_path):
    get(tmp_path, (), kind="2.5")
    for file in published_files(kind="2.5"):
        assert (tmp_path / file.local).read_bytes() == hub.files[(file.repository, file.path)]
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"codec.pth", "multilingual_zh_ja_yue_char_del.tiktoken"} <= names
    assert "hf_cache/semantic_codec_model.safetensors" not in names and "bpe.model" not in names


def test_a_mirror_without_listings_is_held_to_the_sums_known_here(hub, tmp_path):
    hub.listings = False
    with pytest.raises(CheckpointError):
        get(tmp_path, ("codec",), kind="2.5")
    assert not (tmp_path / "codec.pth").exists()


@pytest.mark.parametrize(
    ("arguments", "answer", "kind"),
    [
        (["--kind", "2.5", "--to", "x"], None, "2.5"),
        (["--to", "IndexTTS-2.5"], None, "2.5"),
        (["--to", "IndexTTS-2"], None, "2.0"),
        (["--to", "x"], None, "2.0"),
        (["--to", "x"], "2.5", "2.5"),
        (["--to", "x"], "", "2.0"),
    ],
)
def test_the_release_is_named_or_told_by_the_folder_or_asked(monkeypatch, tmp_path, arguments, answer, kind, capsys):
    monkeypatch.chdir(tmp_path)
    asked = []

    def download(folder, settings, progress):
        asked.append(settings.kind)
        return DownloadReport(folder, (), (), 0)

    monkeypatch.setattr("indextts2.loading.download.download.download_official", download)
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: answer is not None, raising=False)
    monkeypatch.setattr(sys.stdin, "readline", lambda: f"{answer}\n", raising=False)
    assert main(["download", "official", *arguments]) == 0
    assert asked == [kind]


def test_the_command_in_the_message_names_the_release_and_runs_in_the_folder_of_the_pack(tmp_path):
    command = download_command(tmp_path, ["codec"], "2.5")
    assert "--kind 2.5 --parts codec" in command
    assert (PACK / "indextts2" / "__main__.py").is_file() and f'"{PACK}"' in command


def test_licence_texts_come_along_and_other_files_do_not(hub, tmp_path):
    get(tmp_path, ("t2s", "vocoder"))
    assert (tmp_path / "LICENSE.txt").read_bytes() == b"conditions"
    place = tmp_path / "hf_cache" / "licences" / "nvidia--bigvgan_v2_22khz_80band_256x"
    assert (place / "LICENSE").read_bytes() == b"other conditions"
    assert not (tmp_path / "README.md").exists()


def test_the_other_hub_has_other_names_for_two_repositories(hub, tmp_path):
    names = {
        "facebook/w2v-bert-2.0": "AI-ModelScope/w2v-bert-2.0",
        "funasr/campplus": "iic/speech_campplus_sv_zh-cn_16k-common",
    }
    original = dict(hub.files)
    for (repository, path), content in original.items():
        if repository in names:
            del hub.files[(repository, path)]
            hub.files[(names[repository], path)] = content
    parts = ("style_encoder", "semantic_encoder", "codec")
    get(tmp_path, parts, source="modelscope")
    hub.files.update(original)
    assert_whole(hub, tmp_path, parts)


def test_a_mirror_without_listings_serves_too(hub, tmp_path, monkeypatch):
    hub.listings = False
    monkeypatch.setattr("indextts2.loading.download.download._wanted", without_sizes)
    get(tmp_path)
    assert_whole(hub, tmp_path)
    assert wrong_sums(tmp_path) == []


def without_sizes(folder, file, hub, listed):
    from indextts2.loading.download.fetch import DownloadTarget

    assert listed is None
    return DownloadTarget(hub.address(file.repository, file.path), folder / file.local)


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_broken_transfer_goes_on_where_it_stopped(hub, tmp_path, fault):
    hub.faults["gpt.pth"] = [fault, fault]
    get(tmp_path)
    assert_whole(hub, tmp_path)
    ranges = [asked for path, asked in hub.asked if path == "gpt.pth"]
    assert list(dict.fromkeys(ranges)) == ["", f"bytes={BIG // 2}-", f"bytes={BIG * 3 // 4}-"]


def test_a_server_that_ignores_ranges_sends_the_file_again(hub, tmp_path):
    hub.faults["gpt.pth"] = ["cut", "whole"]
    get(tmp_path)
    assert_whole(hub, tmp_path)


@pytest.mark.parametrize("fault", ["busy", "broken"])
def test_a_server_that_turns_away_is_asked_again_later(hub, tmp_path, fault):
    hub.faults["gpt.pth"] = [fault, fault]
    hub.faults["listing"] = [fault]
    get(tmp_path)
    assert_whole(hub, tmp_path)


def test_a_corrupt_transfer_is_noticed_and_repeated(hub, tmp_path):
    hub.faults["gpt.pth"] = ["corrupt"]
    hub.faults["config.yaml"] = ["corrupt"]  # small files are known by their name in git alone
    get(tmp_path)
    assert_whole(hub, tmp_path)


def test_content_that_stays_wrong_never_gets_its_name(hub, tmp_path):
    hub.faults["gpt.pth"] = ["corrupt!"]
    with pytest.raises(CheckpointError, match=r"gpt\.pth has not the published SHA-256 sum, 3 times over"):
        get(tmp_path)
    assert not (tmp_path / "gpt.pth").exists()
    assert "gpt.pth" not in read_sums(tmp_path)


@pytest.mark.parametrize(("fault", "reason"), [("broken!", "503"), ("gone!", "404"), ("busy!", "429")])
def test_a_server_that_never_delivers_ends_in_one_sentence(hub, tmp_path, fault, reason):
    hub.faults["gpt.pth"] = [fault]
    with pytest.raises(CheckpointError, match=rf"gpt\.pth answered {reason}.*same command again"):
        get(tmp_path)
    assert not (tmp_path / "gpt.pth").exists()


def test_a_file_that_is_gone_is_not_asked_for_twice(hub, tmp_path):
    hub.faults["gpt.pth"] = ["gone!"]
    with pytest.raises(CheckpointError):
        get(tmp_path)
    assert [path for path, _ in hub.asked].count("gpt.pth") == 1


def test_no_server_at_all_is_one_line_and_exit_code_1(hub, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("indextts2.loading.download.web.RetryPolicy.wait_after", lambda *_: 0.0)
    assert main(["download", "official", "--to", str(tmp_path), "--parts", "t2s"]) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and "cannot be reached" in errors


def test_a_second_run_fetches_nothing(hub, tmp_path):
    get(tmp_path)
    hub.asked.clear()
    report = get(tmp_path)
    assert hub.asked == [] and report.fetched == () and len(report.present) == 3  # and the licence


def test_a_file_put_there_by_hand_is_checked_and_kept(hub, tmp_path):
    (tmp_path / "gpt.pth").write_bytes(hub.files[(OFFICIAL, "gpt.pth")])
    assert "gpt.pth" in get(tmp_path).present
    assert "gpt.pth" in read_sums(tmp_path)


@pytest.mark.parametrize("content", [b"own", bytes(BIG)], ids=["other size", "same size"])
def test_a_file_of_ones_own_is_never_overwritten(hub, tmp_path, content):
    (tmp_path / "gpt.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"gpt\.pth is there, but is not the published file"):
        get(tmp_path)
    assert (tmp_path / "gpt.pth").read_bytes() == content


def test_a_part_of_an_older_version_is_not_continued(hub, tmp_path):
    hub.faults["gpt.pth"] = ["cut", "gone!"]
    with pytest.raises(CheckpointError):
        get(tmp_path)
    assert [path.stat().st_size for path in tmp_path.glob("gpt.pth.*.part")] == [BIG // 2]
    hub.faults.clear()
    hub.files[(OFFICIAL, "gpt.pth")] = random.Random(1).randbytes(BIG)
    get(tmp_path)
    assert_whole(hub, tmp_path)


def test_a_part_longer_than_its_file_starts_anew(hub, tmp_path):
    mark = hashlib.sha256(hub.files[(OFFICIAL, "gpt.pth")]).hexdigest()[:12]
    (tmp_path / f"gpt.pth.{mark}.part").write_bytes(bytes(BIG + 5))
    get(tmp_path)
    assert_whole(hub, tmp_path)


def test_a_killed_download_never_looks_complete_and_goes_on(hub, tmp_path):
    hub.faults["gpt.pth"] = ["stall!"]
    command = [sys.executable, "-m", "indextts2", "download", "official", "--to", str(tmp_path / "o")]
    command += ["--parts", "t2s"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "NO_PROXY": "*"})
    try:
        limit = time.monotonic() + 240
        while not list((tmp_path / "o").glob("gpt.pth.*.part")) or len(read_sums(tmp_path / "o")) < 2:
            assert time.monotonic() < limit and process.poll() is None
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert not (tmp_path / "o" / "gpt.pth").exists()
    hub.faults.clear()
    hub.asked.clear()
    get(tmp_path / "o")
    assert_whole(hub, tmp_path / "o")
    assert [path for path, _ in hub.asked] == ["gpt.pth"] and hub.asked[0][1].startswith("bytes=")


def test_a_broken_download_is_listed_with_what_it_lacks(hub, tmp_path):
    hub.faults["gpt.pth"] = ["gone!"]
    text = dump_config(Config(), {}).replace("checkpoint: {}\n", "")
    hub.files[OFFICIAL, "config.yaml"] = text.encode()
    with pytest.raises(CheckpointError, match="404"):
        get(tmp_path / "IndexTTS-2", workers=1)
    assert hub.asked[0][0] == "config.yaml"
    (found,) = [one for one in find_checkpoints([tmp_path]) if one.name == "IndexTTS-2"]
    facts = summary(found.folder)
    assert not facts["complete"] and "t2s" in facts["missing"] and not facts["error"]


def test_cancel_stops_every_transfer_and_keeps_the_parts(hub, tmp_path):
    hub.faults["gpt.pth"] = ["stall!"]

    def cancel(done: int, total: int) -> None:
        if done:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        download_official(tmp_path, DownloadSettings(parts=("t2s",), retries=HASTE), cancel)
    assert not (tmp_path / "gpt.pth").exists()


def test_progress_counts_bytes_up_to_the_total(hub, tmp_path):
    seen: list[tuple[int, int]] = []
    settings = DownloadSettings(parts=("t2s",), retries=HASTE)
    report = download_official(tmp_path, settings, lambda *counts: seen.append(counts))
    assert seen[-1] == (report.bytes, report.bytes)


def test_no_more_files_are_fetched_at_a_time_than_allowed(hub, tmp_path):
    get(tmp_path, ("emotion_bank", "vocoder", "t2s"), workers=2)
    assert hub.most_at_once <= 2
    assert_whole(hub, tmp_path, ("emotion_bank", "vocoder", "t2s"))


def test_too_little_space_is_said_before_anything_is_fetched(hub, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1000))
    with pytest.raises(CheckpointError, match=r"needs 0\.00 GB more, but .* has 0\.00 GB free.*--to"):
        get(tmp_path / "not there yet")
    assert hub.asked == [] and not (tmp_path / "not there yet").exists()


def test_the_sums_are_those_that_common_tools_check(hub, tmp_path):
    get(tmp_path)
    lines = (tmp_path / SUMS_NAME).read_text().splitlines()
    assert f"{hashlib.sha256(hub.files[(OFFICIAL, 'gpt.pth')]).hexdigest()}  gpt.pth" in lines
    (tmp_path / "gpt.pth").write_bytes(b"changed")
    assert wrong_sums(tmp_path) == ["gpt.pth"]


def test_some_parts_alone_bring_the_configuration_with_them(hub, tmp_path):
    get(tmp_path, ("emotion_bank",))
    there = {path.name for path in tmp_path.iterdir()}
    assert there == {"config.yaml", "feat1.pt", "feat2.pt", SUMS_NAME, "LICENSE.txt"}
    with pytest.raises(InputError, match="no part 'voice'"):
        published_files(["voice"])


def test_what_the_hugging_face_cache_holds_is_not_fetched_again(hub, tmp_path, monkeypatch):
    snapshot = tmp_path / "cache" / "models--funasr--campplus" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "campplus_cn_common.bin").write_bytes(hub.files[("funasr/campplus", "campplus_cn_common.bin")])
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    assert "hf_cache/campplus_cn_common.bin" in get(tmp_path / "o", ("style_encoder",)).present
    assert "campplus_cn_common.bin" not in [path for path, _ in hub.asked]


def test_a_listing_that_is_none_is_refused(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "hugging_face_listing", lambda repository: {"error": "no"})
    with pytest.raises(CheckpointError, match="no list of files"):
        get(tmp_path)


def test_a_file_the_hub_does_not_list_is_named(hub, tmp_path):
    del hub.files[(OFFICIAL, "gpt.pth")]
    with pytest.raises(CheckpointError, match=r"has no gpt\.pth in IndexTeam/IndexTTS-2"):
        get(tmp_path)


def test_the_message_about_missing_files_holds_the_exact_command(tmp_path):
    message = missing_files_message(tmp_path, ["vocoder", "tokenizer"])
    assert "lacks vocoder, tokenizer" in message and download_command(tmp_path, ["vocoder", "tokenizer"]) in message
    command = download_command(tmp_path)
    assert str(ROOT) in command and sys.executable in command
    assert command.endswith(f'-m indextts2 download official --to "{tmp_path}"')


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["official", "--parts", "voice"], "no part 'voice'"),
        (["unofficial"], "invalid choice"),
        (["official", "--source", "elsewhere"], "invalid choice"),
        (["official"], "--to"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, complaint, capsys, monkeypatch):
    monkeypatch.delenv("INDEXTTS2_MODELS", raising=False)
    assert main(["download", *arguments]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and complaint in errors


def test_a_file_in_place_of_the_folder_is_one_line(hub, tmp_path, capsys):
    (tmp_path / "afile").write_text("here")
    assert main(["download", "official", "--to", str(tmp_path / "afile" / "x"), "--parts", "t2s"]) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and "cannot be made a folder" in errors


def test_the_command_says_what_came_and_points_at_the_licence(hub, tmp_path, capsys):
    assert main(["download", "official", "--to", str(tmp_path / "o"), "--parts", "t2s"]) == 0
    output = capsys.readouterr().out
    assert "3 files downloaded" in output and "licence" in output
