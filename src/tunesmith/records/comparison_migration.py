"""How a ``comparison_results.json`` of before there were versions becomes one of format 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.texts import Message


def from_pairs_of_languages(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with a message wherever there were a text and its Chinese."""
    speech = data.get("speech")
    return {
        **data,
        "prompts": [_prompt(prompt) for prompt in data["prompts"]],
        "findings": [_with_messages(finding, "title", "sentence", "cause", "remedy") for finding in data["findings"]],
        "features": [_feature(feature) for feature in data["features"]],
        "verdict": {**data["verdict"], "next": _without_lead(data["verdict"]["next"])},
    } | ({"speech": _speech(speech)} if speech else {})


def _prompt(prompt: Mapping[str, Any]) -> dict[str, Any]:
    sides = {name: _side(prompt[name]) for name in ("base", "lora") if prompt.get(name)}
    return {**prompt, **sides}


def _side(side: Mapping[str, Any]) -> dict[str, Any]:
    return {**side, "verdicts": [_with_messages(verdict, "sentence") for verdict in side["verdicts"]]}


def _feature(feature: Mapping[str, Any]) -> dict[str, Any]:
    """What was the name is the title, and that it came closer follows from its direction."""
    kept = {key: value for key, value in feature.items() if key not in {"name", "name_zh", "closer"}}
    return {**kept, "title": Message.fixed(feature["name"], feature["name_zh"])}


def _speech(speech: Mapping[str, Any]) -> dict[str, Any]:
    return {**speech, "edit_types": [_edit_type(edit_type) for edit_type in speech["edit_types"]]}


def _edit_type(edit_type: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in edit_type.items() if key != "edit_type_zh"}
    return {**kept, "measures": [_with_messages(measure, "title") for measure in kept["measures"]]}


def _with_messages(record: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The record with a message under each key, of the texts under the key and the key with ``_zh``."""
    chinese = {f"{key}_zh" for key in keys}
    kept = {key: value for key, value in record.items() if key not in chinese}
    return kept | {key: Message.fixed(record.get(key, ""), record.get(f"{key}_zh", "")) for key in keys}


def _without_lead(advice: Mapping[str, str]) -> Message:
    """The advice without the word that led it in."""
    english, chinese = advice["en"].removeprefix("Next: "), advice["zh"].removeprefix("下一步：")
    return Message.fixed(english[:1].upper() + english[1:], chinese)
