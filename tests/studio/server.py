"""A studio of its own process, as the command line starts it, and requests to it by hand."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A studio over the runs of a folder."""

    root: Path
    port: int = field(default_factory=free_port)
    words: tuple[str, ...] = ()
    process: subprocess.Popen | None = None

    def start(self) -> None:
        words = ["studio", "--no-browser", "--port", str(self.port), *self.words]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tunesmith", *words],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = self.process.stdout.readline()
        assert f":{self.port}/?token={self.token}" in said, said + self.process.stdout.read()

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    @property
    def home(self) -> Path:
        return self.root / "runs" / ".studio"

    @property
    def token(self) -> str:
        return (self.home / "token").read_text()

    @property
    def cookie(self) -> str:
        return f"tunesmith_studio_{self.port}={self.token}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, *, known: bool = True, **headers: str | None) -> Reply:
        """One request with the cookie; a header of ``None`` is left out, ``_`` in its name is ``-``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        sent = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        told: dict[str, str | None] = {"host": f"127.0.0.1:{self.port}"}
        if known:
            told["cookie"] = self.cookie
        if sent is not None:
            told |= {"content-type": "application/json", "content-length": str(len(sent))}
        for name, value in (told | {key.replace("_", "-"): value for key, value in headers.items()}).items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(sent)
        got = connection.getresponse()
        reply = Reply(got.status, {key.lower(): value for key, value in got.getheaders()}, got.read())
        connection.close()
        return reply

    def get(self, path: str, **headers: str | None) -> Reply:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str | None) -> Reply:
        return self.ask("POST", path, body, **headers)


@contextmanager
def serving(root: Path, *words: str) -> Iterator[Server]:
    (root / "runs").mkdir(parents=True, exist_ok=True)
    server = Server(root, words=words)
    server.start()
    try:
        yield server
    finally:
        server.kill()
