"""A hub on this machine with the files of a folder in the official layout. It can break off once, halfway."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from indextts2.loading.download.published import PUBLISHED
from indextts2.loading.fingerprint import sha256_of
from indextts2.loading.releases import OFFICIAL_KIND


@dataclass
class Server:
    """address: for HF_ENDPOINT. cuts: transfers interrupted; resumed: requests for the rest of a file; sent: bytes."""

    address: str
    cuts: int = 0
    resumed: int = 0
    sent: int = 0


@contextmanager
def serving(folder: Path, *, kind: str = OFFICIAL_KIND, cut_once: str = "") -> Iterator[Server]:
    """cut_once: the file whose first transfer breaks off halfway."""
    places = {(file.repository, file.path): folder / file.local for file in PUBLISHED[kind]}
    sums = {place: sha256_of(place) for place in places.values() if place.exists()}
    server, lock = Server(""), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            names = urlsplit(self.path).path.strip("/").split("/")
            if names[:2] == ["api", "models"]:
                self.listing("/".join(names[2:4]))
            else:
                self.file(places["/".join(names[:2]), "/".join(names[4:])])

        def listing(self, repository: str) -> None:
            entries = [
                {"type": "file", "path": path, "size": size, "lfs": {"oid": sums[place], "size": size}}
                for (owner, path), place in places.items()
                if owner == repository and place.exists() and (size := place.stat().st_size)
            ]
            content = json.dumps(entries).encode()
            self.answer(200, len(content))
            self.wfile.write(content)

        def file(self, place: Path) -> None:
            first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
            count = place.stat().st_size
            self.answer(206 if first else 200, count - first, f"bytes {first}-{count - 1}/{count}")
            sent = count - first
            if place.name == cut_once and not server.cuts:
                server.cuts, sent = 1, sent // 2
            with lock:
                server.resumed, server.sent = server.resumed + (first > 0), server.sent + sent
            with place.open("rb") as source:
                self.connection.sendfile(source, first, sent)
            self.close_connection = True

        def answer(self, code: int, count: int, content_range: str = "") -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(count))
            if code == 206:
                self.send_header("Content-Range", content_range)
            self.end_headers()

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.address = f"http://127.0.0.1:{listener.server_port}"
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
