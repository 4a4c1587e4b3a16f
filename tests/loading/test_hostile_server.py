"""Servers that send too much, odd listings, and names that would lead elsewhere."""

from __future__ import annotations

import ntpath
import posixpath
import shutil

import pytest

from indextts2.errors import CheckpointError
from indextts2.foreign import ForeignDataError, safe_relative_path
from indextts2.loading.download.web import _asked_wait

from .test_download import BIG, OFFICIAL, get
from .test_download import hub as hub


@pytest.mark.parametrize(("fault", "listings"), [("endless!", True), ("more!", True), ("more!", False)])
def test_a_server_that_sends_more_than_it_announced_fills_no_disk(hub, tmp_path, fault, listings):
    hub.listings = listings
    hub.faults["gpt.pth"] = [fault]
    with pytest.raises(CheckpointError, match="gpt.pth|config.yaml"):
        get(tmp_path)
    assert not (tmp_path / "gpt.pth").exists()
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 3 * BIG


def test_a_file_that_does_not_fit_is_refused_before_a_byte_of_it_is_written(hub, tmp_path, monkeypatch):
    hub.listings = False
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=(64 << 20) + BIG // 2))
    with pytest.raises(CheckpointError, match="free"):
        get(tmp_path)
    assert all(path.stat().st_size < BIG // 2 for path in tmp_path.rglob("*") if path.is_file())


ODD_LISTINGS = {
    "brackets": b"[" * 200_000,
    "numbers": [1, 2, 3],
    "nulls": [None],
    "a null": b"null",
    "a word": "files",
    "no sizes": [{"type": "file", "path": "gpt.pth"}],
    "a size of 400 digits": b'[{"type": "file", "path": "gpt.pth", "size": ' + b"9" * 400 + b"}]",
    "a negative size": [{"type": "file", "path": "gpt.pth", "size": -1}],
    "a size in words": [{"type": "file", "path": "gpt.pth", "size": "12"}],
    "a path that is a number": [{"type": "file", "path": 5, "size": 1}],
    "a null for lfs and a list for oid": [{"type": "file", "path": "gpt.pth", "size": None, "lfs": None, "oid": []}],
    "infinity": b'[{"type": "file", "path": "gpt.pth", "size": Infinity}]',
    "not UTF-8": b"\xff\xfe",
    "nothing": b"",
}


@pytest.mark.parametrize("listing", ODD_LISTINGS.values(), ids=ODD_LISTINGS)
@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_an_odd_listing_ends_in_one_sentence(hub, tmp_path, listing, source):
    hub.odd_listing = listing
    with pytest.raises(CheckpointError, match="no list of files") as caught:
        get(tmp_path, source=source)
    assert len(str(caught.value)) < 500 and "\n" not in str(caught.value)


TRAVERSING = [
    "../LICENSE",
    "/LICENSE",
    "..\\LICENSE",
    "a\\..\\..\\LICENSE",
    "C:LICENSE",
    "C:\\LICENSE",
    "\\\\host\\LICENSE",
    "LICENSE:stream",
    "aux/LICENSE",
    "NUL/LICENSE",
    "com1/LICENSE",
    "LICENSE.",
    "LICENSE ",
    "a/../../LICENSE",
    "a//LICENSE",
    "~/LICENSE",
    "~root/LICENSE",
    "LI\nCENSE",
    "LICENSE\x00",
    "LICENSE\u202e",
    "LICENSE\ud800",
    "",
    ".",
    "..",
    "x" * 300 + "LICENSE",
    "a/" * 2_000 + "LICENSE",
]


@pytest.mark.parametrize("name", TRAVERSING)
def test_a_foreign_name_never_leads_out_of_its_folder(hub, tmp_path, name):
    folder = tmp_path / "inner" / "folder"
    hub.odd_listing = [*hub.hugging_face_listing(OFFICIAL), {"type": "file", "path": name, "size": 10, "oid": ""}]
    get(folder)
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(folder)]
    assert outside == [] and not (folder.parent / "LICENSE").exists()
    with pytest.raises(ForeignDataError, match="the name"):
        safe_relative_path(name)


@pytest.mark.parametrize(
    "name", ["LICENSE", "a/b.txt", "hf_cache/w2v-bert-2.0/model.safetensors", "音频/файл.txt", "a b/c-d_e.f"]
)
def test_a_safe_name_stays_below_its_folder_on_every_system(name):
    path = safe_relative_path(name)
    for system, root in ((posixpath, "/models"), (ntpath, "C:\\models")):
        whole = system.normpath(system.join(root, path))
        assert system.commonpath([root, whole]) == root and not system.isabs(path) and not system.splitdrive(path)[0]


@pytest.mark.parametrize("asked", ["²", "٣", "-5", "1e9", "9" * 400, "nan", "soon", "Wed, 99 Xxx 9999 99:99:99 GMT"])
def test_an_odd_retry_after_is_no_wait_or_a_bounded_one(asked):
    assert 0.0 <= _asked_wait({"Retry-After": asked}) <= 3_600.0
