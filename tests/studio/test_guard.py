"""Who may come in, by real requests to a real server."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys

import pytest

from tests.studio.server import serving
from tunesmith.studio.audit import AuditLog
from tunesmith.studio.guard import POLICY, Door, Guard


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("guarded")) as found:
        yield found


def test_the_address_with_the_token_sets_a_cookie_and_nothing_else_does(server):
    reply = server.ask("GET", f"/?token={server.token}", known=False)
    cookie = reply.headers["set-cookie"]
    assert reply.status == 200 and cookie.startswith(server.cookie)
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "url=/" in reply.body.decode()
    assert server.token not in reply.body.decode()
    for path in ("/?token=wrong", "/", "/api/runs", "/static/page.js", "/api/openapi.json", "/media/x"):
        refused = server.ask("GET", path, known=False)
        assert (refused.status, refused.headers.get("set-cookie")) == (401, None), path
    assert server.ask("GET", f"/api/runs?token={server.token}", known=False).status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:{port}"}, 200),
        ({"host": "[::1]:{port}"}, 200),
        ({"host": "evil.example:{port}"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": "127.0.0.1:1"}, 421),
        ({"host": "127.0.0.1:{port}.evil.example"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://127.0.0.1:{port}"}, 200),
        ({"origin": "http://localhost:{port}"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "file://127.0.0.1:{port}"}, 403),
        ({"cookie": "tunesmith_studio_{port}=wrong"}, 401),
        ({"cookie": "tunesmith_studio_1={token}"}, 401),
        ({"cookie": 'other={{"a":1}}; tunesmith_studio_{port}={token}'}, 200),
    ],
)
def test_hosts_origins_and_cookies(server, headers, status):
    sent = {key: value.format(port=server.port, token=server.token) for key, value in headers.items()}
    assert server.get("/api/runs", **sent).status == status


@pytest.mark.parametrize("path", ["/api/jobs", "/api/jobs/x/stop"])
def test_an_action_needs_the_cookie_and_an_origin_of_ours(server, path):
    body = {"verb": "demo"}
    assert server.ask("POST", path, body, known=False).status == 401
    assert server.post(path, body, origin="http://evil.example").status == 403
    assert server.post(path, body, host="evil.example").status == 421
    assert server.post(path, body, content_type="text/plain").status == 422  # what a foreign form can send
    assert server.post(path, b"x" * 1_000_001).status == 413
    assert server.ask("POST", path, b"{}", content_length=None, transfer_encoding="chunked").status == 411
    assert server.get("/api/jobs").json == {"jobs": []}


def test_every_answer_forbids_what_it_can(server):
    for path, cookie in (("/", True), ("/api/runs", True), ("/static/page.js", True), ("/nothing", True), ("/", False)):
        headers = server.ask("GET", path, known=cookie).headers
        assert headers["content-security-policy"] == POLICY and POLICY.startswith("default-src 'self';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_pages_hold_no_script_and_no_style_of_their_own(server):
    for path in ("/", "/jobs", "/runs/nothing"):
        page = server.get(path).body.decode()
        assert "<script>" not in page and "<style" not in page and " style=" not in page and " onclick" not in page
        assert "http://" not in page and "https://" not in page and server.token not in page


def test_files_that_hold_secrets_are_the_owners_alone(server):
    server.post("/api/jobs", {"verb": "shell"})
    for name in ("token", "audit.log"):
        assert stat.S_IMODE((server.home / name).stat().st_mode) == 0o600, name


def test_actions_and_refusals_are_written_down_without_a_secret(server):
    server.post("/api/jobs", {"verb": "train", "run": "nowhere", "overrides": ["train.updates=1"]})
    server.ask("GET", "/?token=guess", known=False)
    text = (server.home / "audit.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert any(line.get("run") == "nowhere" and line["status"] == 404 and line["verb"] == "train" for line in lines)
    assert any(line["status"] == 401 and line["path"] == "/" for line in lines)
    assert server.token not in text and "guess" not in text


def test_a_token_is_kept_and_a_damaged_one_replaced(tmp_path):
    from tunesmith.studio.token_file import token_of

    first = token_of(tmp_path)
    assert token_of(tmp_path) == first and len(first) == 43
    (tmp_path / "token").write_text("short")
    (tmp_path / "token").chmod(0o644)
    second = token_of(tmp_path)
    assert second != first and stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_other_machines_come_in_only_by_a_name_that_is_allowed(tmp_path):
    words = [sys.executable, "-m", "tunesmith", "studio", "--no-browser", "--host", "0.0.0.0"]
    refused = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "--allow-host NAME" in refused.stderr and "Traceback" not in refused.stderr
    with serving(
        tmp_path, "--host", "0.0.0.0", "--allow-host", "music.example", "--allow-host", "proxy:9000"
    ) as server:
        assert server.get("/api/runs", host=f"music.example:{server.port}").status == 200
        assert server.get("/api/runs", host="proxy:9000", origin="https://proxy:9000").status == 200
        assert server.get("/api/runs", host=f"other.example:{server.port}").status == 421
        assert server.get("/api/runs", host="proxy:9000", cookie="").status == 401


def test_a_port_that_is_taken_is_a_sentence(server, tmp_path):
    words = [sys.executable, "-m", "tunesmith", "studio", "--no-browser", "--port", str(server.port)]
    refused = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "cannot be listened on" in refused.stderr


def websocket(guard: Guard, **headers: str) -> list[dict]:
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    async def receive() -> dict:
        return {"type": "websocket.connect"}

    scope = {
        "type": "websocket",
        "path": "/ws",
        "query_string": b"",
        "headers": [(key.encode(), value.encode()) for key, value in headers.items()],
    }
    asyncio.run(guard(scope, receive, send))
    return sent


def test_websockets_pass_the_same_guard(tmp_path):
    reached = []

    async def app(scope, receive, send):
        reached.append(scope["type"])

    guard = Guard(app, Door("secret", 80), AuditLog(tmp_path / "audit.log"))
    good = {"host": "127.0.0.1", "origin": "http://127.0.0.1", "cookie": "tunesmith_studio_80=secret"}
    assert websocket(guard, **good) == [] and reached == ["websocket"]
    closed = [{"type": "websocket.close", "code": 1008}]
    for wrong in ({"host": "evil.example"}, {"origin": "http://evil.example"}, {"cookie": ""}):
        assert websocket(guard, **good | wrong) == closed
    assert reached == ["websocket"]
