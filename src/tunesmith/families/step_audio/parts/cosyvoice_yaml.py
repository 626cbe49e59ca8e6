"""Reads ``cosyvoice.yaml``: sizes of flow and vocoder, settings of the mel.

Upstream's file is hyperpyyaml, whose tags name Python classes to import and call. Here a tag never does anything:
what it tags is read as plain data, and a reference (``!ref <key>``) is replaced by the value of that key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FlowConfig, HiftConfig, MelConfig, known
from tunesmith.files import explain_os_error
from tunesmith.texts import Message, msg

COSYVOICE_FILE = "cosyvoice.yaml"
_REMEDY = msg("Download the checkpoint again; this file belongs to it.")
_PATH = re.compile(r"<([^<>]+)>")
_KEY = re.compile(r"[^\[\]]+")

Config = TypeVar("Config")


@dataclass(frozen=True)
class CosyVoiceConfig:
    """What ``cosyvoice.yaml`` describes."""

    flow: FlowConfig
    hift: HiftConfig
    mel: MelConfig


def read_cosyvoice(file: Path) -> CosyVoiceConfig:
    """Read ``cosyvoice.yaml`` without executing anything in it.

    Raises:
        TunesmithError: when the file is absent or no YAML, lacks ``flow``, ``hift`` or ``mel_conf``, or holds a value
            that is no size.
    """
    values = _read(file)
    return CosyVoiceConfig(
        _flow(file, values),
        _section(file, values, "hift", HiftConfig.from_yaml),
        _section(file, values, "mel_conf", lambda raw: known(MelConfig, raw)),
    )


def _flow(file: Path, values: Mapping[str, Any]) -> FlowConfig:
    config = _section(file, values, "flow", FlowConfig.from_yaml)
    if config.encoder.up_scale_factor != config.encoder.up_stride:
        raise TunesmithError(
            msg("`flow` cannot be read (up_scale_factor and up_stride are not equal)"), where=str(file), remedy=_REMEDY
        )
    return config


@dataclass(frozen=True)
class _Reference:
    """The text after ``!ref``."""

    text: str


class _Loader(yaml.SafeLoader):
    """A safe loader to which every tag of the file's own is just data."""


def _plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    text = loader.construct_scalar(node)  # type: ignore[arg-type]
    # A class without arguments is written with nothing after its tag.
    return _Reference(str(text)) if suffix in ("ref", "copy") else text or {}


_Loader.add_multi_constructor("!", _plain)


def _read(file: Path) -> dict[str, Any]:
    """The top of the file, with every reference replaced."""
    try:
        values = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=_Loader)
        if not isinstance(values, dict):
            raise TunesmithError(msg("this file holds no settings"), where=str(file), remedy=_REMEDY)
        resolver = _Resolver(values)
        return {key: resolver.plain(value) for key, value in values.items()}
    except OSError as error:
        raise explain_os_error(error, file) from error
    except RecursionError as error:
        raise TunesmithError(msg("this file refers to itself"), where=str(file), remedy=_REMEDY) from error
    except _NowhereError as error:
        raise TunesmithError(
            msg("{reference} refers to nothing in this file", reference=error), where=str(file), remedy=_REMEDY
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        problem = getattr(error, "problem", None) or str(error)
        raise TunesmithError(
            msg("this file cannot be read as YAML ({error})", error=problem), where=where, remedy=_REMEDY
        ) from error


class _NowhereError(Exception):
    """A reference to a key that is not there."""


class _Resolver:
    """Replaces references; one that calculates stays as text, to be refused where a size is needed."""

    def __init__(self, root: Mapping[Any, Any]) -> None:
        self.root = root
        # By identity: YAML's own aliases can repeat one node without end.
        self.done: dict[int, Any] = {}

    def plain(self, value: Any) -> Any:
        if isinstance(value, _Reference):
            return self._follow(value.text)
        if not isinstance(value, dict | list):
            return value
        if id(value) not in self.done:
            self.done[id(value)] = (
                {key: self.plain(item) for key, item in value.items()}
                if isinstance(value, dict)
                else [self.plain(item) for item in value]
            )
        return self.done[id(value)]

    def _follow(self, text: str) -> Any:
        path = _PATH.fullmatch(text.strip())
        if path is None:
            return text
        value: Any = self.root
        for key in _KEY.findall(path[1]):
            value = self._follow(value.text) if isinstance(value, _Reference) else value
            if isinstance(value, list) and key.isdigit() and int(key) < len(value):
                value = value[int(key)]
            elif isinstance(value, dict) and key in value:
                value = value[key]
            else:
                raise _NowhereError(text)
        return self.plain(value)


def _section(file: Path, values: Mapping[str, Any], name: str, make: Callable[[Mapping[str, Any]], Config]) -> Config:
    raw = values.get(name)
    if not isinstance(raw, Mapping):
        raise TunesmithError(msg("this file describes no `{section}`", section=name), where=str(file), remedy=_REMEDY)
    try:
        config = make(raw)
    except (AttributeError, TypeError, ValueError) as error:
        raise TunesmithError(
            msg("`{section}` cannot be read ({error})", section=name, error=error), where=str(file), remedy=_REMEDY
        ) from error
    wrong = next(_no_sizes(config, name), None)
    if wrong is not None:
        raise TunesmithError(wrong, where=str(file), remedy=_REMEDY)
    return config


def _no_sizes(config: Any, path: str) -> Iterator[Message]:
    """What is not of the kind of its default: a number, yes or no, numbers in a row."""
    usual = type(config)()
    for item in fields(config):
        value, default, key = getattr(config, item.name), getattr(usual, item.name), f"{path}.{item.name}"
        if is_dataclass(default):
            yield from _no_sizes(value, key)
        elif not _alike(value, default):
            yield msg("`{key}` is {value}, which is no size", key=key, value=repr(value))


def _alike(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, tuple) and bool(value) and all(_alike(item, default[0]) for item in value)
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)
