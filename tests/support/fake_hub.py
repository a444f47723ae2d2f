"""A hub on the loopback interface: it answers the requests of huggingface_hub for a dataset, or fails in chosen ways."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SMALL = 400  # bytes up to which a file is in git itself


class FakeHub:
    """One dataset repository, and how serving it goes wrong. Paths are those in the repository."""

    def __init__(self, repo: str, files: dict[str, bytes]) -> None:
        self.repo, self.files = repo, files
        self.sent: dict[str, bytes] = {}  # bytes to send in place of a file's own
        self.cut: dict[str, list[int]] = {}  # bytes after which each connection in turn is cut
        self.status: dict[str, int] = {}  # HTTP status to answer with
        self.slow: dict[str, float] = {}  # seconds for 100 bytes
        self.hold = 0.0  # seconds to keep a connection open before it is cut
        self.sending = threading.Event()  # set when a connection that will be cut has sent its bytes
        self.requests: list[tuple[str, str]] = []  # (path of a file, its Range)
        self.endpoint = ""

    def fetched(self) -> list[str]:
        """Return the names of all files asked for so far."""
        return sorted({path.rsplit("/", 1)[-1] for path, _ in self.requests})

    def describe(self, path: str) -> dict[str, object] | None:
        """Return what the hub's API says of a file."""
        if path not in self.files:
            return None
        data = self.files[path]
        described: dict[str, object] = {
            "type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
        }  # fmt: skip
        if len(data) > SMALL:
            described["oid"] = "f" * 40  # that of git's pointer to it
            described["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return described


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        hub = self.server.hub
        path = unquote(self.path)
        if path == f"/api/datasets/{hub.repo}/revision/main":
            self._json({"id": hub.repo, "sha": COMMIT, "private": False, "tags": [], "siblings": []})
        elif path.startswith(f"/api/datasets/{hub.repo}/revision/"):
            self._refuse(404, "RevisionNotFound")
        elif path.startswith("/api/"):
            self._refuse(401, "RepoNotFound")
        elif path.startswith(f"/datasets/{hub.repo}/resolve/{COMMIT}/"):
            self.send_response(302)
            self.send_header("Location", path.replace(f"/datasets/{hub.repo}/resolve/{COMMIT}", "/cdn"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path.startswith("/cdn/"):
            self._file(path.removeprefix("/cdn/"))
        else:
            self._refuse(404, "")

    def do_POST(self) -> None:
        hub = self.server.hub
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert self.path == f"/api/datasets/{hub.repo}/paths-info/{COMMIT}"
        self._json([found for path in asked["paths"] if (found := hub.describe(path))])

    def _file(self, path: str) -> None:
        hub = self.server.hub
        hub.requests.append((path, self.headers["Range"] or ""))
        if path in hub.status:
            self._refuse(hub.status[path], "")
            return
        data = hub.sent.get(path, hub.files[path])
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self.headers["Range"] else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if hub.cut.get(path):
            self.wfile.write(data[start : start + hub.cut[path].pop(0)])
            self.wfile.flush()
            hub.sending.set()
            threading.Event().wait(hub.hold)
            self.close_connection = True
            self.connection.shutdown(2)
        elif path in hub.slow:
            with suppress(OSError):  # the client hung up
                for at in range(start, len(data), 100):
                    self.wfile.write(data[at : at + 100])
                    threading.Event().wait(hub.slow[path])
        else:
            self.wfile.write(data[start:])

    def _json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: FakeHub) -> None:
        self.hub = hub
        super().__init__(("127.0.0.1", 0), _Handler)


@contextmanager
def serving(hub: FakeHub) -> Iterator[None]:
    """Serve a hub in here, at `hub.endpoint`."""
    with _Server(hub) as server:
        hub.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def reach(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make huggingface_hub ask the hub at `endpoint`."""
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}")
