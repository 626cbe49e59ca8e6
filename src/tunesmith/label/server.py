"""One POST of JSON, patient with a busy server and plain about a wrong one."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.label.provider import NoAnswerError
from tunesmith.texts import msg

_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_KEYS = "TUNESMITH_LABEL_API_KEY (or OPENAI_API_KEY)"


class RefusedError(NoAnswerError):
    """The server understood the request and does not want it (400, 413, 422 and the like)."""


@dataclass(frozen=True)
class Server:
    """An address to post to.

    Attributes:
        url: The whole address.
        key: Sent as a bearer token; empty for servers that want none. Never shown.
        timeout_s: How long one reading from the server may take.
        tries: How often a busy server is asked in all.
        wait: Sleeps so many seconds.
    """

    url: str
    key: str = ""
    timeout_s: float = 300.0
    tries: int = 5
    wait: Callable[[float], None] = time.sleep

    def post(self, body: dict[str, Any]) -> str:
        """The text that the server answers.

        Tries again on 408, 429, 5xx and broken connections, after 2, 4, 8 … s or what the server asks for (a minute at
        most).

        Raises:
            RefusedError: when the server refuses this request.
            NoAnswerError: when it stays busy or silent.
            TunesmithError: when no request will work: nobody there, a wrong address, no access.
        """
        data = json.dumps(body, ensure_ascii=False).encode()
        last = ""
        for attempt in range(self.tries):
            request = urllib.request.Request(self.url, data, {"Content-Type": "application/json"}, method="POST")
            if self.key:
                request.add_unredirected_header("Authorization", f"Bearer {self.key}")
            pause = 2.0 ** (attempt + 1)
            try:
                with urllib.request.urlopen(request, timeout=self.timeout_s) as response:
                    return str(response.read().decode("utf-8", "replace"))
            except urllib.error.HTTPError as error:
                last = self._status(error)
                pause = _asked_pause(error) or pause
            except (OSError, http.client.HTTPException) as error:
                last = self._broken(error)
            if attempt + 1 < self.tries:
                self.wait(pause)
        raise NoAnswerError(msg("no answer after {tries} tries ({last})", tries=self.tries, last=last), where=self.url)

    def _status(self, error: urllib.error.HTTPError) -> str:
        """What a busy server says; raises for every other status."""
        said = self._said(error)
        if error.code in _BUSY:
            return f"HTTP {error.code}{said}"
        if error.code in (401, 403):
            remedy = f"Set {_KEYS} to a key that is valid there." if self.key else f"Set {_KEYS} to your key."
            what = "the server does not accept the key" if self.key else "the server wants a key"
            raise TunesmithError(
                msg("{what} (HTTP {code}{said})", what=what, code=error.code, said=said), where=self.url, remedy=remedy
            ) from error
        if error.code in (404, 405):
            remedy = "Check --base-url (it often ends in /v1) and --model."
            raise TunesmithError(
                msg("the server does not know this address or model (HTTP {code}{said})", code=error.code, said=said),
                where=self.url,
                remedy=remedy,
            ) from error
        raise RefusedError(
            msg("the server refuses the request (HTTP {code}{said})", code=error.code, said=said), where=self.url
        ) from error

    def _broken(self, error: Exception) -> str:
        """What is wrong with a connection that may work the next time; raises where it will not."""
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, ConnectionRefusedError | socket.gaierror | ssl.SSLError):
            what = f"there is no connection to the server ({reason})"
            remedy = "Check that it runs, and --base-url."
            raise TunesmithError(what, where=self.url, remedy=remedy) from error
        return f"{type(reason).__name__}: {reason}" if isinstance(reason, Exception) else str(reason)

    def _said(self, error: urllib.error.HTTPError) -> str:
        try:
            text = error.read(4000).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return ""
        try:
            record = json.loads(text)
            inner = record.get("error", record)
            text = str(inner.get("message", inner) if isinstance(inner, dict) else inner)
        except (ValueError, AttributeError):
            pass
        text = " ".join(text.split())[:300]
        return f": {text.replace(self.key, '…') if self.key else text}" if text else ""


def _asked_pause(error: urllib.error.HTTPError) -> float | None:
    try:
        return min(60.0, float(error.headers["Retry-After"]))
    except (TypeError, ValueError):
        return None
