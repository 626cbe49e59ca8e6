"""Lines of a JSONL of speech pairs: either audio paths, or audio tokens as Step-Audio's own trainer takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.data.characters import is_nested
from tunesmith.data.sample import PROMPT_TEXT
from tunesmith.files import explain_os_error
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, any_of, msg

EXAMPLE = msg(
    "A line should read {line}.",
    line='{"prompt_audio_path": "a.wav", "target_audio_path": "b.wav", "target_text": "words"}',
)
# Each field under the names it goes by, the first one being the documented one.
_PROMPT, _TARGET = ("prompt_audio_path", "source_audio"), ("target_audio_path", "target_audio")
_PROMPT_TEXT, _TARGET_TEXT = ("prompt_text", "source_text"), ("target_text",)
_SPEAKER, _TYPE, _INFO, _TASK = ("speaker_id", "speaker"), ("edit_type",), ("edit_info",), ("task_type",)
_TOKENS = {"prompt_tokens": "source_vq02vq06", "target_tokens": "target_vq02vq06"}
_REJECTED = "rejected_"
_TOKENS_PER_SECOND = 5 / 0.12  # two of vq02 and three of vq06 in every group of 120 ms
KEYS = frozenset({_PROMPT[0], _TARGET[0], *_TOKENS.values()})
"""A line that has any of these is meant as a pair."""
_TOKEN = re.compile(r"<audio_(\d+)>")
CLONE = "clone"
"""What a line that names no edit asks for: the prompt's voice, another text."""


class WrongLineError(Exception):
    """What is wrong with one line."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True)
class Pair:
    """One line.

    Attributes:
        prompt: Path of the prompt's audio as written; ``None`` where only tokens were given.
        target: Path of the target's audio as written; ``None`` where only tokens were given.
        texts: Texts by role: ``caption`` is what the target says, ``prompt_text`` what the prompt says.
        attributes: Edit, speaker, tokens and whatever else the line holds.
        rejected: Keys of the answers that preference training would avoid; they are not used.
    """

    prompt: str | None
    target: str | None
    texts: Mapping[str, str]
    attributes: Mapping[str, Any]
    rejected: tuple[str, ...] = ()


def read_pairs(path: Path) -> Iterator[tuple[int, Pair | Finding]]:
    """Every line that is not blank with its number: a pair, or what is wrong with it.

    Raises:
        TunesmithError: when the file cannot be read.
    """
    for number, line in read_lines(path):
        try:
            yield number, _pair(record_of(line))
        except WrongLineError as wrong:
            yield number, problem(f"{path.name}:{number}", wrong.reason, EXAMPLE)


def read_lines(path: Path, most: int = -1) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers; split at line feeds alone, since JSON texts may hold U+2028.

    Args:
        path: The file.
        most: How many bytes to read; all of them if negative.

    Raises:
        TunesmithError: when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most)
    except OSError as error:
        raise explain_os_error(error, path) from error
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield number, line


def problem(clip: str, message: Message, remedy: Message) -> Finding:
    """An error that keeps one line out."""
    return Finding(check="layout", level="error", clip=clip, message=message, remedy=remedy)


def record_of(line: bytes) -> dict[str, Any]:
    """The JSON object in a line.

    Raises:
        WrongLineError: when it holds none.
    """
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise WrongLineError(msg("this line is not UTF-8 text")) from error
    except (ValueError, RecursionError) as error:
        endless = msg("a number or a nesting without end")
        reason = error.msg if isinstance(error, json.JSONDecodeError) else endless
        raise WrongLineError(msg("this line is not JSON ({reason})", reason=reason)) from error
    if not isinstance(record, dict):
        raise WrongLineError(msg("this line is not an object"))
    if is_nested(record):
        raise WrongLineError(msg("this line is nested too deeply"))
    return record


def with_paths(record: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """A line with other paths of its audio, by those that are written there."""
    names = {*_PROMPT, *_TARGET}
    return {
        key: places.get(value.strip(), value) if key in names and isinstance(value, str) else value
        for key, value in record.items()
    }


def _pair(record: Mapping[str, Any]) -> Pair:
    prompt, target = _text(record, _PROMPT), _text(record, _TARGET)
    tokens = _tokens(record)
    absent = [] if tokens else [names[0] for names, path in ((_PROMPT, prompt), (_TARGET, target)) if not path]
    if absent:
        raise WrongLineError(msg("this line has no {names}", names=any_of([f"`{name}`" for name in absent])))
    texts = {"caption": _text(record, _TARGET_TEXT), PROMPT_TEXT: _text(record, _PROMPT_TEXT)}
    rejected = tuple(key for key in record if key.startswith(_REJECTED))
    used = {*_PROMPT, *_TARGET, *_PROMPT_TEXT, *_TARGET_TEXT, *_SPEAKER, *_TYPE, *_INFO, *_TOKENS.values(), *rejected}
    rest = {key: value for key, value in record.items() if key not in used and value not in (None, "")}
    named = {"edit_type": _edit(record), "edit_info": _text(record, _INFO), "speaker_id": _text(record, _SPEAKER)}
    attributes = {**rest, **{key: value for key, value in named.items() if value}, **tokens}
    if tokens:
        attributes["seconds"] = round(len(tokens["target_tokens"]) / _TOKENS_PER_SECOND, 2)
    return Pair(prompt or None, target or None, {k: v for k, v in texts.items() if v}, attributes, rejected)


def _text(record: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of some fields that is there, trimmed; a number is a name too (``"speaker_id": 7``)."""
    name = next((name for name in names if record.get(name) is not None), None)
    value = record[name] if name is not None else ""
    if isinstance(value, int) and not isinstance(value, bool) and name in _SPEAKER:
        return str(value)
    if not isinstance(value, str):
        raise WrongLineError(msg("`{name}` is {kind}, not text", name=name, kind=_kind(value)))
    return value.strip()


def _edit(record: Mapping[str, Any]) -> str:
    kind, task = _text(record, _TYPE), _text(record, _TASK)
    if task == "edit" and not kind:
        raise WrongLineError(msg("this line is an edit and has no `edit_type`"))
    return kind or CLONE


def _tokens(record: Mapping[str, Any]) -> dict[str, list[int]]:
    """Ready audio tokens of prompt and target by attribute, as written; empty where the line declares none."""
    if not any(record.get(key) is not None for key in _TOKENS.values()):
        return {}
    found = {}
    for name, key in _TOKENS.items():
        value = record.get(key) or []
        if isinstance(value, str) and not _TOKEN.sub("", value).strip():
            value = [int(number) for number in _TOKEN.findall(value)]
        if not isinstance(value, list) or not all(type(token) is int for token in value):
            what = msg("`{key}` is no list of audio token numbers (nor a text of <audio_…>)", key=key)
            raise WrongLineError(what)
        if not value:
            raise WrongLineError(msg("this line declares audio tokens, and `{key}` holds none", key=key))
        found[name] = value
    return found


def _kind(value: Any) -> Message:
    names = {dict: msg("an object"), list: msg("a list"), bool: msg("true or false")}
    return names.get(type(value), msg("a number"))
