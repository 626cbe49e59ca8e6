"""Who may come in: pure ASGI, so that it stands before http and websocket requests alike.

- The Host header has to name this server: a foreign name that resolves to 127.0.0.1 (DNS rebinding) is refused.
- An Origin header has to be this server's, so that no foreign page acts here, nor one without an origin (``null``).
- The cookie has to hold the token. It is set by the address that ``tunesmith studio`` prints, HttpOnly and
  SameSite=Strict, with the port in its name: cookies do not know ports, and another program may run on another one.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qs

from tunesmith.studio.audit import AuditLog
from tunesmith.texts import in_every_language, msg

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
HEADERS: tuple[tuple[str, str], ...] = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
)
"""What every answer carries; a route may set one of them otherwise."""
MOST_BODY = 1_000_000
"""Bytes that an action's body may have."""
SAFE = ("GET", "HEAD")
_YEAR = 31_536_000


@dataclass(frozen=True)
class Door:
    """What the guard compares with.

    Attributes:
        token: The secret.
        port: The port that the server listens on.
        hosts: Further names by which it may be addressed, with or without a port.
    """

    token: str
    port: int
    hosts: tuple[str, ...] = ()
    _names: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        own = ("127.0.0.1", "localhost", "[::1]")
        object.__setattr__(self, "_names", frozenset(self._with_ports((*own, *self.hosts))))

    def _with_ports(self, hosts: Iterable[str]) -> Iterable[str]:
        for host in hosts:
            name = host.lower()
            has_port = ":" in name.rpartition("]")[2]
            yield name if has_port else f"{name}:{self.port}"
            if self.port == 80 and not has_port:
                yield name

    @property
    def cookie(self) -> str:
        """The cookie's name."""
        return f"tunesmith_studio_{self.port}"

    def knows_host(self, host: str | None) -> bool:
        """Whether a Host header names this server."""
        return host is not None and host.lower() in self._names

    def knows_origin(self, origin: str | None) -> bool:
        """Whether a request comes from a page of this server, or from no page at all."""
        if origin is None:
            return True
        scheme, found, host = origin.lower().partition("://")
        return bool(found) and scheme in ("http", "https") and host in self._names

    def opens(self, token: str) -> bool:
        """Whether a token is the right one; takes as long for a wrong one."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())


class Guard:
    """Lets requests through to ``app`` that have the cookie, and refuses the others.

    Args:
        app: What it stands before.
        door: What it compares with.
        audit: Where it writes down actions and refusals.
    """

    def __init__(self, app: App, door: Door, audit: AuditLog) -> None:
        self.app, self.door, self.audit = app, door, audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {key.decode("latin1").lower(): value.decode("latin1") for key, value in scope["headers"]}
        if (status := self._refusal(scope, headers)) is not None:
            await self._refuse(scope, send, status)
            return
        given = parse_qs(scope["query_string"].decode("latin1")).get("token", [""])[0]
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/" and given:
            await self._log_in(scope, send, given)
            return
        if not self.door.opens(_cookie(headers.get("cookie", ""), self.door.cookie)):
            await self._refuse(scope, send, 401)
            return
        await self.app(scope, receive, self._with_headers(scope, send))

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> int | None:
        """The status of what is refused whatever cookie it has."""
        if not self.door.knows_host(headers.get("host")):
            return 421
        if not self.door.knows_origin(headers.get("origin")):
            return 403
        if scope["type"] == "http" and scope["method"] not in SAFE:
            length = headers.get("content-length", "")
            if "transfer-encoding" in headers or not length.isdecimal():
                return 411
            if int(length) > MOST_BODY:
                return 413
        return None

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        facts: dict[str, Any] = {}
        scope["audit"] = facts

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                there = {key.lower() for key, _ in message.get("headers", ())}
                message["headers"] = [
                    *message.get("headers", ()),
                    *((k.encode(), v.encode()) for k, v in HEADERS if k.encode() not in there),
                    *([] if b"cache-control" in there else [(b"cache-control", b"no-store")]),
                ]
                if scope["method"] not in SAFE:
                    self._write(scope, status=message["status"], **facts)
            await send(message)

        return sending

    async def _log_in(self, scope: Scope, send: Send, given: str) -> None:
        """Set the cookie and lead on by the page itself: a redirect from elsewhere would not carry it."""
        if not self.door.opens(given):
            await self._refuse(scope, send, 401)
            return
        self._write(scope, status=200, action="log in")
        cookie = f"{self.door.cookie}={self.door.token}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Strict"
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tunesmith</title>'
            '<link rel="icon" href="/static/icon.svg"><meta http-equiv="refresh" content="0; url=/">'
            '<a href="/">Tunesmith</a></html>'
        )
        await _answer(send, 200, page, ("set-cookie", cookie))

    async def _refuse(self, scope: Scope, send: Send, status: int) -> None:
        if scope["type"] == "websocket":
            self._write(scope, status=status)
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["method"] not in SAFE or scope["query_string"]:
            self._write(scope, status=status)
        said = escape(in_every_language(_REFUSALS[status], separator=" · "))
        page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{status}</title><p>{said}</p></html>'
        await _answer(send, status, page)

    def _write(self, scope: Scope, **facts: Any) -> None:
        client = scope.get("client") or ("", 0)
        method = scope.get("method", "WEBSOCKET")
        self.audit.write(client=client[0], method=method, path=scope["path"][:300], **facts)


_REFUSALS = {
    401: msg("Open the address that `tunesmith studio` printed; it holds the token."),
    403: msg("A page of another address asked for this; it was refused."),
    411: msg("The length of what was sent is missing."),
    413: msg("Too much was sent."),
    421: msg("This name is not one of the studio's; start it with --allow-host NAME to let it be one."),
}


def _cookie(header: str, name: str) -> str:
    """A cookie's value; other programs' cookies may be of any form."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


async def _answer(send: Send, status: int, page: str, *more: tuple[str, str]) -> None:
    body = page.encode()
    headers = (
        ("content-type", "text/html; charset=utf-8"),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
        *HEADERS,
        *more,
    )
    sent = [(key.encode(), value.encode()) for key, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
