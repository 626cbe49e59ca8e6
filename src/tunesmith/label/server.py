"""One POST of JSON: a busy server is asked again, and a wrong address or key is an error."""

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
from urllib.parse import urlsplit

from tunesmith.errors import TunesmithError
from tunesmith.label.provider import NoAnswerError, StalledError
from tunesmith.texts import msg

_BUSY = frozenset({408, 429, 500, 502, 503, 504})


class RefusedError(NoAnswerError):
    """The server understood the request and does not want it (400, 413, 422 and the like)."""


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Follows redirections within one server alone: what is sent are someone's recordings."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """A request to the new place; the same one, with its body, where the status asks for that (307, 308).

        Raises:
            TunesmithError: when the new place is another host or port, or gives up encryption.
        """
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        upgraded = (old.scheme, new.scheme) == ("http", "https") and new.port is None
        if old.hostname != new.hostname or not (upgraded or (old.scheme, old.port) == (new.scheme, new.port)):
            raise _sent_elsewhere(req.full_url, f"{new.scheme}://{new.netloc}")
        if code in (307, 308):
            key = req.unredirected_hdrs.get("Authorization")
            again = urllib.request.Request(newurl, req.data, req.headers, method="POST")
            if key:
                again.add_unredirected_header("Authorization", key)
            return again
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _sent_elsewhere(url: str, other: str) -> TunesmithError:
    return TunesmithError(
        msg("the server sends the request on to another one ({other}), and your recordings stay here", other=other),
        where=url,
        remedy=msg("If you trust that one, name it with --base-url."),
    )


@dataclass(frozen=True)
class Server:
    """An address to post to.

    Attributes:
        url: The whole address.
        key: Sent as a bearer token; empty for servers that want none. Never shown.
        timeout_s: How long one answer may take, from the request to its last byte.
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
            StalledError: when an answer takes longer than ``timeout_s``, at once.
            NoAnswerError: when it stays busy or the connection breaks.
            TunesmithError: when no request will work: nobody there, a wrong address, no access.
        """
        data = json.dumps(body, ensure_ascii=False).encode()
        reason = ""
        for attempt in range(self.tries):
            request = urllib.request.Request(self.url, data, {"Content-Type": "application/json"}, method="POST")
            if self.key:
                request.add_unredirected_header("Authorization", f"Bearer {self.key}")
            pause = 2.0 ** (attempt + 1)
            try:
                return self._ask(request)
            except urllib.error.HTTPError as error:
                reason = self._status(error)
                pause = _asked_pause(error) or pause
            except (OSError, http.client.HTTPException) as error:
                if _timed_out(error):
                    raise StalledError(
                        msg("no answer within {seconds:g} s", seconds=self.timeout_s), where=self.url
                    ) from error
                reason = self._broken(error)
            if attempt + 1 < self.tries:
                self.wait(pause)
        raise NoAnswerError(
            msg("no answer after {tries} tries ({reason})", tries=self.tries, reason=reason), where=self.url
        )

    def _ask(self, request: urllib.request.Request) -> str:
        deadline = time.monotonic() + self.timeout_s
        opener, pieces = urllib.request.build_opener(_SameServer), []
        with opener.open(request, timeout=self.timeout_s) as response:
            while piece := response.read1(65536):
                pieces.append(piece)
                if time.monotonic() > deadline:  # the timeout of a socket is for each reading from it
                    raise TimeoutError
        return b"".join(pieces).decode("utf-8", "replace")

    def _status(self, error: urllib.error.HTTPError) -> str:
        """What a busy server says; raises for every other status."""
        response = self._response(error)
        if error.code in _BUSY:
            return response
        if error.code in (401, 403) and self.key:
            raise TunesmithError(
                msg("the server does not accept the key ({response})", response=response),
                where=self.url,
                remedy=msg("Set TUNESMITH_LABEL_API_KEY (or OPENAI_API_KEY) to a key that is valid there."),
            ) from error
        if error.code in (401, 403):
            raise TunesmithError(
                msg("the server wants a key ({response})", response=response),
                where=self.url,
                remedy=msg("Set TUNESMITH_LABEL_API_KEY (or OPENAI_API_KEY) to your key."),
            ) from error
        if error.code in (404, 405):
            raise TunesmithError(
                msg("the server does not know this address or model ({response})", response=response),
                where=self.url,
                remedy=msg("Check --base-url (it often ends in /v1) and --model."),
            ) from error
        raise RefusedError(
            msg("the server refuses the request ({response})", response=response), where=self.url
        ) from error

    def _broken(self, error: Exception) -> str:
        """What is wrong with a connection that may work the next time; raises where it will not."""
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, ConnectionRefusedError | socket.gaierror | ssl.SSLError):
            raise TunesmithError(
                msg("there is no connection to the server ({reason})", reason=reason),
                where=self.url,
                remedy=msg("Check that it runs, and --base-url."),
            ) from error
        return f"{type(reason).__name__}: {reason}" if isinstance(reason, Exception) else str(reason)

    def _response(self, error: urllib.error.HTTPError) -> str:
        """The status and the server's own words, such as ``HTTP 429: slow down``; the key never stands in it."""
        status = f"HTTP {error.code}"
        try:
            text = error.read(4000).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return status
        try:
            record = json.loads(text)
            inner = record.get("error", record)
            text = str(inner.get("message", inner) if isinstance(inner, dict) else inner)
        except (ValueError, AttributeError):
            pass
        text = " ".join(text.split())[:300]
        text = text.replace(self.key, "…") if self.key else text
        return f"{status}: {text}" if text else status


def _timed_out(error: Exception) -> bool:
    return isinstance(error.reason if isinstance(error, urllib.error.URLError) else error, TimeoutError)


def _asked_pause(error: urllib.error.HTTPError) -> float | None:
    try:
        return min(60.0, float(error.headers["Retry-After"]))
    except (TypeError, ValueError):
        return None
