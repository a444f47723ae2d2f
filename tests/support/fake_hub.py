"""A hub on the loopback: the requests that huggingface_hub makes for a dataset, and ways to fail at them."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SMALL = 400  # bytes up to which a file is in git itself


class FakeHub:
    """Files of one dataset repository. `sent` replaces what is sent for a file, `cut` ends a connection after that many bytes."""

    def __init__(self, repo: str, files: dict[str, bytes]) -> None:
        self.repo, self.files = repo, files
        self.sent: dict[str, bytes] = {}
        self.cut: dict[str, list[int]] = {}
        self.status: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []  # (path of a file, its Range)
        self.sending = threading.Event()  # set when a cut connection has sent what it will
        self.slow: dict[str, float] = {}  # seconds for 100 bytes
        self.hold = 0.0  # seconds to keep a connection open before it is cut
        self.endpoint = ""

    def fetched(self) -> list[str]:
        return sorted({path.rsplit("/", 1)[-1] for path, _ in self.requests})

    def describe(self, path: str) -> dict[str, object] | None:
        if path not in self.files:
            return None
        data = self.files[path]
        described: dict[str, object] = {
            "type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
        }  # fmt: skip
        if len(data) > SMALL:
            described["oid"] = "f" * 40  # of the pointer
            described["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return described


@contextmanager
def serving(hub: FakeHub) -> Iterator[None]:  # noqa: C901 - a server is its answers
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
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
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            assert self.path == f"/api/datasets/{hub.repo}/paths-info/{COMMIT}"
            self._json([found for path in asked["paths"] if (found := hub.describe(path))])

        def _file(self, path: str) -> None:
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
                with suppress(OSError):  # who hangs up has had enough
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

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        hub.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
