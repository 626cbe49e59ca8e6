"""Any server that speaks OpenAI's chat protocol and takes sound: OpenAI, vLLM, DashScope and others."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

from tunesmith.errors import TunesmithError
from tunesmith.label.provider import NoAnswerError, Question
from tunesmith.label.schema import json_schema
from tunesmith.label.server import RefusedError, Server
from tunesmith.label.window import wav_bytes
from tunesmith.texts import msg

_PATH = "/chat/completions"
TIMEOUT_S = 300.0
"""Seconds that an answer may take where nothing else is said."""


class Endpoint:
    """Asks a server.

    The first request holds the model to our JSON schema and asks for its likeliest answer; a server that refuses this
    is asked without, and so from then on.

    Args:
        model: The server's name for the model.
        base_url: The server, such as ``http://localhost:8000/v1``.
        dialect: ``openai`` sends sound as plain base64. ``dashscope`` sends it as a data URL and reads a stream, which
            Alibaba's Qwen-Omni models want.
        timeout_s: How long one answer may take.
        wait: Sleeps so many seconds before a busy server is asked again.

    Raises:
        TunesmithError: for an address that is none.
    """

    name = "endpoint"

    def __init__(
        self,
        model: str,
        base_url: str,
        dialect: Literal["openai", "dashscope"] = "openai",
        timeout_s: float = TIMEOUT_S,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise TunesmithError(
                msg("{address!r} is no address of a server", address=base_url),
                where="--base-url",
                remedy=msg("Give one such as http://localhost:8000/v1."),
            )
        self.model, self.dialect = model, dialect
        self._server = Server(base_url.rstrip("/").removesuffix(_PATH) + _PATH, _key(), timeout_s, wait=wait)
        self._plain = False

    def answer(self, question: Question) -> str:
        """What the model says.

        Raises:
            NoAnswerError: when the server refuses this clip, stalls, stays busy, or answers without text.
            TunesmithError: when no request will work.
        """
        body = self._body(question)
        if self._plain:
            return self._text(self._server.post(body))
        try:
            return self._text(self._server.post({**body, **_held_to_schema()}))
        except RefusedError:
            answer = self._server.post(body)
            self._plain = True
            return self._text(answer)

    def _body(self, question: Question) -> dict[str, Any]:
        data = base64.b64encode(wav_bytes(question.audio)).decode()
        if self.dialect == "dashscope":
            data = f"data:;base64,{data}"
        sound = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": question.system},
            {"role": "user", "content": [sound, {"type": "text", "text": question.text}]},
        ]
        if question.refused:
            answer, complaint = question.refused
            messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": complaint}]
        body: dict[str, Any] = {"model": self.model, "messages": messages}
        return {**body, "stream": True, "modalities": ["text"]} if self.dialect == "dashscope" else body

    def _text(self, answer: str) -> str:
        try:
            return _streamed(answer) if self.dialect == "dashscope" else _whole(answer)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            what = msg("the server's answer holds no text of a model ({answer!r})", answer=answer[:200])
            raise NoAnswerError(what, where=self._server.url) from error


def _held_to_schema() -> dict[str, Any]:
    schema = {"name": "label", "strict": True, "schema": json_schema()}
    return {"temperature": 0, "response_format": {"type": "json_schema", "json_schema": schema}}


def _whole(answer: str) -> str:
    content = json.loads(answer)["choices"][0]["message"]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _streamed(answer: str) -> str:
    """The pieces of a stream of server-sent events."""
    pieces = []
    for line in answer.splitlines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        pieces += [choice["delta"].get("content") or "" for choice in json.loads(data)["choices"]]
    return "".join(pieces)


def _key() -> str:
    return os.environ.get("TUNESMITH_LABEL_API_KEY") or os.environ.get("OPENAI_API_KEY", "")
