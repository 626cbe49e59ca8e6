"""What a request to ACE-Step says: its options over the recipe's, and its texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from tunesmith.data.sample import SPEAKER
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.texts import msg


def prompt_key(texts: Mapping[str, str], settings: AceStepSettings) -> str:
    """What decides an encoded prompt."""
    return json.dumps([sorted(texts.items()), settings.model_dump(mode="json")])


def need_description(texts: Mapping[str, str]) -> None:
    """An edit follows what tells the source from the result, so it must be said what the source is.

    Raises:
        TunesmithError: when neither its caption nor its lyrics are.
    """
    if not texts.get("source_caption") and not texts.get("source_lyrics"):
        raise TunesmithError(
            msg("edit goes from what the source is to the prompt, and nothing says what the source is"),
            where="generate.source_prompt",
            remedy=msg(
                "Say it with --source-text; where only the lyrics change, give its lyrics with --source-lyrics."
            ),
        )


def source_texts(texts: Mapping[str, str]) -> dict[str, str]:
    """For ``edit``: what the source is (``source_caption``, ``source_lyrics``), else the result's own texts."""
    described = {role: texts.get(f"source_{role}") or texts.get(role, "") for role in ("caption", "lyrics")}
    return {**described, SPEAKER: texts.get(SPEAKER, "")}


def merged(settings: AceStepSettings, options: Mapping[str, Any]) -> AceStepSettings:
    """The family's options with an item's own over them.

    Raises:
        TunesmithError: for an option that does not exist or is out of range.
    """
    if not options:
        return settings
    try:
        return AceStepSettings.model_validate({**settings.model_dump(), **options})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise TunesmithError(
            msg("options.{key}: {problem}", key=".".join(map(str, first["loc"])), problem=first["msg"]),
            remedy=msg("See `tunesmith schema`."),
        ) from error
