"""What a call of ``clone`` or ``edit`` is given, looked at before anything is spoken."""

from __future__ import annotations

import math
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

_SHORTEST_ROOM, _ROOM = 10.0, 2.0
"""Speech may take twice as long as is likely, and never less than ten seconds, before it is cut off."""


def longest_answer(recording: Any, prompt_text: str, kind: str, text: str) -> float:
    """Seconds after which speech that does not end by itself is cut off."""
    from tunesmith.families.step_audio.config import SAMPLE_RATE
    from tunesmith.speech.duration import expected_seconds, spoken_seconds

    whole = recording.shape[-1] / SAMPLE_RATE
    likely = expected_seconds(kind, text, prompt_text, spoken_seconds(recording, SAMPLE_RATE), None).seconds
    return max(_SHORTEST_ROOM, _ROOM * (likely if math.isfinite(likely) else whole))


def either(name: str, value: Any, older: str, other: Any, *, needed: bool = True) -> Any:
    """An argument that goes by two names."""
    if value is not None and other is not None:
        raise TunesmithError(
            msg("{name} and {old_name} are the same thing, and both were given", name=name, old_name=older),
            remedy=msg("Give {name}.", name=name),
        )
    found = value if value is not None else other
    if found is None and needed:
        raise TunesmithError(
            msg("edit() was given no {name}", name=name),
            remedy=msg("Give it as {name} (or {old_name}, its old name).", name=name, old_name=older),
        )
    return found
