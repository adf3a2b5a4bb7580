"""A stand-in of the Hub on loopback: the few paths of its interface that this package uses, and what was asked."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Files = dict[str, bytes]
TOKEN = "hf_test"


class Hub:
    """``commits`` are the files of each repository by commit id, the newest last; ``asked`` are lines of requests.

    That somebody asks whether it is there is none of them.
    """

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, Files]] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def commit(self, repository: str, files: Files) -> str:
        """Adds to what is there; returns the commit's id."""
        commits = self.commits.setdefault(repository, {})
        before = list(commits.values())[-1] if commits else {}
        revision = hashlib.sha1(f"{repository} {len(commits)}".encode()).hexdigest()
        commits[revision] = {**before, **files}
        return revision

    def commit_folder(self, repository: str, folder: Path) -> str:
        names = (path for path in folder.rglob("*") if path.is_file())
        return self.commit(repository, {path.relative_to(folder).as_posix(): path.read_bytes() for path in names})

    def answer(self, method: str, path: str, token: str | None, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if path == "/":
            return 200, {}, b""
        self.asked.append(f"{method} {path}")
        if method == "POST":
            return self._write(path, body) if token == f"Bearer {TOKEN}" else (401, {}, b"{}")
        if path.startswith("/api/models/"):
            return self._list(path.removeprefix("/api/models/"))
        repository, _, rest = path[1:].partition("/resolve/")
        revision, _, name = rest.partition("/")
        if (files := self.commits.get(repository, {}).get(revision)) is None:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        if name not in files:
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": revision}, b""
        digest = hashlib.sha256(files[name]).hexdigest()
        return 200, {"ETag": f'"{digest}"', "X-Repo-Commit": revision}, files[name]

    def _list(self, rest: str) -> tuple[int, dict[str, str], bytes]:
        repository = "/".join(rest.split("/")[:2])
        if not (commits := self.commits.get(repository)):
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        revision, files = list(commits.items())[-1]
        if "/tree/" in rest:
            entries = [{"type": "file", "path": n, "size": len(c), "oid": "0" * 40} for n, c in files.items()]
            return 200, {}, json.dumps(entries).encode()
        tree = {"id": repository, "sha": revision, "siblings": [{"rfilename": name} for name in files]}
        return 200, {}, json.dumps(tree).encode()

    def _write(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if path == "/api/repos/create":
            made = json.loads(body)
            repository = "/".join(filter(None, (made.get("organization"), made["name"])))
            self.commits.setdefault(repository, {})
            return 200, {}, json.dumps({"url": f"{self.url}/{repository}"}).encode()
        if path == "/api/validate-yaml":
            return 200, {}, json.dumps({"warnings": [], "errors": []}).encode()
        repository = "/".join(path.split("/")[3:5])
        if "/preupload/" in path:
            found = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                     for f in json.loads(body)["files"]]  # fmt: skip
            return 200, {}, json.dumps({"files": found}).encode()
        lines = [json.loads(line) for line in body.splitlines()]
        added = {
            one["value"]["path"]: base64.b64decode(one["value"]["content"]) for one in lines if one["key"] == "file"
        }
        revision = self.commit(repository, added)
        done = {"success": True, "commitOid": revision, "commitUrl": f"{self.url}/{repository}/commit/{revision}"}
        return 200, {}, json.dumps(done).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0]
                status, headers, content = hub.answer(self.command, path, self.headers.get("Authorization"), body)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = _serve

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """An empty Hub, a cache of its own and nobody logged in; as a process sees them that HF_ENDPOINT tells."""
    from huggingface_hub import constants, hf_api

    made = Hub()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(constants, "ENDPOINT", made.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", made.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(hf_api.api, "endpoint", made.url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(tmp_path / "no-tokens"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()
