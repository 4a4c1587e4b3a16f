"""A web server of this machine that publishes files as the two hubs do, and misbehaves on demand."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Files = dict[tuple[str, str], bytes]
"""(repository, path in it) -> content."""

ENDLESS = 1_000  # times the content is sent by a server that does not stop
STALL_LIMIT = 20.0  # seconds, so that a failing test ends


class Hub:
    """What is published, what goes wrong next, and what was asked for.

    faults: path -> behaviours, one per request, the last one repeated if it ends with "!": "cut" after half of what was
    asked, "stall" after half, "corrupt", "busy" (429), "broken" (503), "gone" (404), "whole" (ranges are ignored).
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.asked: list[tuple[str, str]] = []  # (path, Range header)
        self.listings = True
        self.odd_listing: object = None  # sent in place of the right one; bytes go as they are
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.address = ""

    def fault(self, path: str) -> str:
        waiting = self.faults[path]
        if not waiting:
            return ""
        return waiting[0].rstrip("!") if waiting[0].endswith("!") else waiting.pop(0)

    def hugging_face_listing(self, repository: str) -> object:
        entries = []
        for (owner, path), content in self.files.items():
            if owner == repository:
                entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": blob(content)}
                if not path.endswith((".json", ".yaml", ".txt")):
                    entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
                entries.append(entry)
        return [{"type": "directory", "path": "folder", "size": 0}, *entries]

    def model_scope_listing(self, repository: str) -> object:
        entries = [
            {"Path": path, "Size": len(content), "Sha256": hashlib.sha256(content).hexdigest(), "Type": "blob"}
            for (owner, path), content in self.files.items()
            if owner == repository
        ]
        return {"Code": 200, "Data": {"Files": [{"Path": "folder", "Size": 0, "Type": "tree"}, *entries]}}


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serving(files: Files) -> Iterator[Hub]:
    hub = Hub(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            with hub.lock:
                hub.at_once += 1
                hub.most_at_once = max(hub.most_at_once, hub.at_once)
            try:
                answer(self, hub)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with hub.lock:
                    hub.at_once -= 1

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.over.set()
        server.shutdown()
        server.server_close()
        thread.join(STALL_LIMIT)


def answer(request: BaseHTTPRequestHandler, hub: Hub) -> None:
    parts = urlsplit(request.path)
    names = parts.path.strip("/").split("/")
    if names[:2] == ["api", "models"]:
        send_listing(request, hub, hub.hugging_face_listing("/".join(names[2:4])))
    elif names[:3] == ["api", "v1", "models"] and names[-1] == "files":
        send_listing(request, hub, hub.model_scope_listing("/".join(names[3:5])))
    elif names[:3] == ["api", "v1", "models"]:
        send_file(request, hub, "/".join(names[3:5]), parse_qs(parts.query)["FilePath"][0])
    else:
        send_file(request, hub, "/".join(names[:2]), "/".join(names[4:]))


def send_listing(request: BaseHTTPRequestHandler, hub: Hub, listing: object) -> None:
    if not hub.listings:
        return send_error(request, 404)
    fault = hub.fault("listing")
    if fault:
        return send_error(request, 503)
    odd = hub.odd_listing
    content = odd if isinstance(odd, bytes) else json.dumps(listing if odd is None else odd).encode()
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
    return None


def send_error(request: BaseHTTPRequestHandler, code: int) -> None:
    request.send_response(code)
    if code == 429:
        request.send_header("Retry-After", "0")
    request.send_header("Content-Length", "0")
    request.end_headers()


def send_file(request: BaseHTTPRequestHandler, hub: Hub, repository: str, path: str) -> None:
    asked = request.headers.get("Range", "")
    with hub.lock:
        hub.asked.append((path, asked))
        fault = hub.fault(path)
    content = hub.files.get((repository, path))
    codes = {"busy": 429, "broken": 503, "gone": 404}
    if content is None or fault in codes:
        return send_error(request, codes.get(fault, 404))
    if fault == "endless":  # no length is announced, and sending does not end by itself
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.close_connection = True
        for _ in range(ENDLESS):
            request.wfile.write(content)
        return None
    if fault == "more":
        content = content + content
    first = int(asked.removeprefix("bytes=").split("-")[0]) if asked and fault != "whole" else 0
    if first >= len(content) > 0:
        return send_error(request, 416)
    body = content[first:]
    request.send_response(206 if asked and fault != "whole" else 200)
    if asked and fault != "whole":
        request.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if fault == "corrupt":
        body = bytes([body[0] ^ 1]) + body[1:]
    if fault in ("cut", "stall"):
        request.wfile.write(body[: len(body) // 2])
        request.wfile.flush()
        if fault == "stall":
            hub.over.wait(STALL_LIMIT)
        request.close_connection = True
        return None
    request.wfile.write(body)
    return None
