"""Texts that name another tempo than the music has."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.sample import Sample
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_NUMBER = r"(\d{2,3}(?:\.\d+)?)"
_SAID = re.compile(rf"(?<![\d.]){_NUMBER}\s*-?\s*bpm\b|\bbpm\s*[:=]?\s*{_NUMBER}(?![\d.])", re.IGNORECASE)
_ATTRIBUTES = ("bpm", "tempo")
_SLOWEST, _FASTEST = 30.0, 300.0


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning where the tempo of text or attributes is none of those heard: as measured, doubled or halved."""
    limits = context.limits
    for clip in context.clips:
        said = said_bpm(clip.sample)
        facts = [facts for role, facts in clip.facts.items() if role in clip.sample.targets]
        if said is None or not facts or facts[0].tempo_bpm is None:
            continue
        heard, confidence = facts[0].tempo_bpm, facts[0].tempo_confidence or 0.0
        off = min(abs(said / (heard * octave) - 1) for octave in (0.5, 1.0, 2.0))
        if confidence < limits.bpm_confidence or off <= limits.bpm_tolerance:
            continue
        yield Finding(
            check="wrong_bpm",
            level="warn",
            clip=clip.sample.id,
            message=msg(
                "its text says {said:g} BPM, and its music has {heard:.0f} (or twice or half of it): {off:.0%} apart, "
                "over {limit:.0%}",
                said=said,
                heard=heard,
                off=off,
                limit=limits.bpm_tolerance,
            ),
            value=100 * off,
            limit=100 * limits.bpm_tolerance,
            unit="%",
            remedy=msg("Write the tempo that is heard: wrong numbers teach the model to ignore them."),
        )


def said_bpm(sample: Sample) -> float | None:
    """The one tempo that a sample's attributes or texts name; ``None`` where there is none, or several."""
    named = [sample.attributes.get(name) for name in _ATTRIBUTES]
    values = {float(str(value)) for value in named if re.fullmatch(r"\d{2,3}(\.\d+)?", str(value))}
    for role, text in sample.texts.items():
        if role != "lyrics":
            values |= {float(before or behind) for before, behind in _SAID.findall(text)}
    said = values.pop() if len(values) == 1 else math.nan
    return said if _SLOWEST <= said <= _FASTEST else None
