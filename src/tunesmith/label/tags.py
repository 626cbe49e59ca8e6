"""Tags: short words, comma-separated, as ACE-Step's prompt files hold them."""

from __future__ import annotations

from collections.abc import Iterable

from tunesmith.data.labels import ClipMeasurements
from tunesmith.data.tags import split_tags
from tunesmith.label.schema import Recaption

RAP = "lyrical rap"
"""What ``lyrical_rap_check`` means."""


def built_tags(measured: ClipMeasurements, recaption: Recaption | None) -> list[str]:
    """The tags of a clip that has none: what the model heard, then what was measured.

    Without a model's answer, words for energy, brightness and bass stand in for it. Rap that the model hears is a tag,
    whether or not it stands among the genres.
    """
    if recaption is None:
        described: Iterable[str] = measured.words
    else:
        analysis = recaption.analysis
        rap = (RAP,) if recaption.lyrical_rap_check else ()
        described = (
            tag for item in (*analysis.genre, *rap, *analysis.instruments, *analysis.mood) for tag in split_tags(item)
        )
    facts = [f"{measured.bpm:.0f} bpm"] if measured.bpm else []
    facts += [measured.key] if measured.key else []
    by_case: dict[str, str] = {}
    for tag in (*described, *facts):
        by_case.setdefault(tag.casefold(), tag)
    return list(by_case.values())


def with_measured(recaption: Recaption, measured: ClipMeasurements) -> Recaption:
    """The answer with the model's guess of the tempo replaced by the measured one, where there is one."""
    if not measured.bpm:
        return recaption
    analysis = recaption.analysis.model_copy(update={"tempo": f"{measured.bpm:.0f} bpm"})
    return recaption.model_copy(update={"analysis": analysis})
