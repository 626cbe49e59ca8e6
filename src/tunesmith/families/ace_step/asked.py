"""What the texts of a request to ACE-Step say."""

from __future__ import annotations

import json
from collections.abc import Mapping

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
