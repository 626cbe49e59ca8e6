"""Everything that is heard over all outputs together, from their audio and that of the user's clips."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.ears.catalogue import MUSICNN
from tunesmith.ears.musicnn import music_ear
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.sound.copies import Coded, find_copies
from tunesmith.evaluation.sound.distance import Distance, Windows, kernel_distance, spread_of, standardised
from tunesmith.evaluation.sound.embedding import clip_vector, window_vectors
from tunesmith.evaluation.sound.memorised import KnownClip, nearest_clips
from tunesmith.records.sound_comparison import AskedTempo, CopiedClip, SetDistance, SoundComparison, Variety

Sound = tuple[NDArray[np.floating], int]
"""Audio (N, C) and its rate in Hz."""
Embedding = Callable[[NDArray[np.floating], int], NDArray[np.float64]]
"""Such a sound to its windows' vectors (W, D)."""
BEAT = 0.3
"""Confidence from which a measured tempo is right, but for octaves."""
_BPM = re.compile(r"(\d{2,3}(?:\.\d+)?)\s*bpm\b", re.IGNORECASE)
_FEWEST, _DRAWS, _HIGH = 4, 200, 98


@dataclass(frozen=True)
class HeardSets:
    """Audio of everything that is compared.

    Attributes:
        base: Outputs of the base; empty where it was not run.
        adapter: Outputs with the adapter.
        reference: Crops of the user's own clips, as long as the outputs, through the codec.
        training: Training clips through the codec.
        held_out: Clips that were not trained on, likewise.
        prompts: The texts of the outputs.
        known: Training and held-out clips through the codec that the outputs' nearest ones are looked for among.
    """

    base: Sequence[Sound]
    adapter: Sequence[Sound]
    reference: Sequence[Sound]
    training: Sequence[Coded]
    held_out: Sequence[Coded]
    prompts: Sequence[str]
    known: Sequence[KnownClip] = ()


def compare_sound(heard: HeardSets, base: Sequence[Signals] | None, adapter: Sequence[Signals]) -> SoundComparison:
    """Copies, nearest clips, distances, variety and tempi of a run's outputs."""
    copies = find_copies(heard.adapter, heard.training, heard.held_out) if heard.training else []
    distances = _distances(heard)
    return SoundComparison(
        training_clips=len(heard.training),
        copies=tuple(
            CopiedClip(
                prompt=c.output, clip=c.clip, score=c.score, limit=c.limit, at_s=c.at_s, in_clip_s=c.in_clip_s, by=c.by
            )
            for c in copies
        ),
        nearest=nearest_clips([window_vectors(*sound) for sound in heard.adapter], heard.known),
        tempi=tuple(asked_tempi(heard.prompts, base, adapter)),
        **distances,
    )


def _distances(heard: HeardSets) -> dict[str, Any]:
    plain = _standardised(heard, window_vectors)
    if plain is None:
        return {}
    views, ear = [plain], music_ear()
    learned = _standardised(heard, ear.windows) if ear is not None else None
    if learned is not None:
        views.append(learned)
    base, adapter, reference = ([clip for clip in side if len(clip)] for side in plain)
    return {
        "base": _record(kernel_distance([(view[0], view[2]) for view in views])),
        "adapter": _record(kernel_distance([(view[1], view[2]) for view in views])),
        "ears": (MUSICNN.title,) if learned is not None else (),
        "variety": _variety(base, adapter, reference),
    }


def _standardised(heard: HeardSets, embedding: Embedding) -> list[list[NDArray[np.float64]]] | None:
    """Vectors of base, adapter and reference; ``None`` where there are too few of the last two."""
    sets = [[embedding(*sound) for sound in sounds] for sounds in (heard.base, heard.adapter, heard.reference)]
    known = [[windows for windows in clips if len(windows)] for clips in sets[1:]]
    if min(map(len, known)) < _FEWEST:
        return None
    return standardised(sets, known[1])


def _record(found: Distance | None) -> SetDistance | None:
    return None if found is None else SetDistance(**vars(found))


def _variety(base: Windows, adapter: Windows, reference: Windows) -> Variety:
    vectors = [np.array([clip_vector(clip) for clip in clips]) for clips in (base, adapter, reference)]
    rng, tuned = np.random.default_rng(0), vectors[1]
    draws = [spread_of(tuned[np.unique(rng.integers(0, len(tuned), len(tuned)))]) for _ in range(_DRAWS)]
    found = [spread_of(group) if len(group) > 1 else None for group in vectors]
    high = float(np.nanpercentile(draws, _HIGH))
    return Variety(base=found[0], adapter=found[1], high=high, reference=found[2])


def asked_tempi(prompts: Sequence[str], base: Sequence[Signals] | None, adapter: Sequence[Signals]) -> list[AskedTempo]:
    """The tempi that prompts name, with those of their outputs where a beat is heard."""
    found = []
    for number, text in enumerate(prompts):
        asked = _BPM.search(text)
        if asked:
            before = _heard(base[number]) if base else None
            bpm = float(asked.group(1))
            found.append(AskedTempo(prompt=number, asked=bpm, base=before, adapter=_heard(adapter[number])))
    return found


def _heard(signals: Signals) -> float | None:
    return signals.tempo_bpm if signals.tempo_confidence >= BEAT else None
