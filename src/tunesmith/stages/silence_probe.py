"""Whether a model was taught to fall silent: its loss on silence that follows sound."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.data.sample import AudioRef, Sample
from tunesmith.records.loss_probes import ProbePair
from tunesmith.run.context import RunContext
from tunesmith.stages.loss_meter import ClipSums, Meter, encode_quietly

if TYPE_CHECKING:
    from tunesmith.families.loss_terms import TermSum

CLIPS = 2
LONGEST_S = 10.0
"""Of the sound, and again of the silence."""


def silence_behind(meter: Meter, samples: Sequence[Sample]) -> ProbePair | None:
    """Loss of base and adapter on silence behind training clips, as long as their sound; ``None`` without clips.

    It is what clips with silence behind them cost, less what they cost without it: exact where a model hears only what
    was before, and near enough where it hears both. In speech it stands in the middle, since ends are trimmed.

    Args:
        meter: The networks.
        samples: Training clips; the first :data:`CLIPS` are taken.
    """
    from tunesmith.families.loss_terms import result_of

    role = meter.context.family.type.audio_roles[-1]
    heard = [sample for sample in samples if role in sample.audios][:CLIPS]
    if not heard:
        return None
    with tempfile.TemporaryDirectory(prefix="tunesmith-silence-") as folder:
        written = [_with_and_without(meter.context, sample, role, Path(folder)) for sample in heard]
        encode_quietly(meter.context, [part for parts in written for part in parts])
        without, behind = meter.sums([cut for cut, _ in written]), meter.sums([longer for _, longer in written])
    base, adapter = (
        result_of([*_terms(more), *_negative(_terms(less))]) for less, more in zip(without, behind, strict=True)
    )
    return ProbePair(base=base.loss, adapter=adapter.loss) if base.terms else None


def _with_and_without(context: RunContext, sample: Sample, role: str, folder: Path) -> tuple[Sample, Sample]:
    """A clip's beginning, and the same with as much silence in it, as audio files in a folder."""
    import numpy as np

    from tunesmith.audio.write import write
    from tunesmith.data.load import load

    card, whole = context.family.card.facts(), sample.audios[role]
    longest = LONGEST_S if context.family.is_speech else min(LONGEST_S, context.recipe.data.max_seconds / 2)
    end = whole.start + longest
    part = AudioRef(whole.path, whole.start, end if whole.end is None else min(end, whole.end))
    sound = load(part, card.sample_rate, card.channels)
    before = sound.shape[1] // 2 if context.family.is_speech else sound.shape[1]
    parts = (sound[:, :before], np.zeros_like(sound), sound[:, before:])
    made = []
    for name, audio in (("sound", sound), ("silence", np.concatenate(parts, axis=1))):
        path = folder / f"{len(list(folder.iterdir())):02d}-{name}.wav"
        write(path, audio, card.sample_rate)
        audios = {**sample.audios, role: AudioRef(str(path), duration=audio.shape[1] / card.sample_rate)}
        made.append(replace(sample, audios=audios, variants=()))
    return made[0], made[1]


def _terms(clips: ClipSums) -> list[Mapping[str, TermSum]]:
    return list(clips.values())


def _negative(parts: Sequence[Mapping[str, TermSum]]) -> list[dict[str, TermSum]]:
    """Parts that take away from a loss what they would add to it."""
    return [
        {name: replace(term, sum=-term.sum, denominator=-term.denominator) for name, term in part.items()}
        for part in parts
    ]
