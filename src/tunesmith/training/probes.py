"""What the gates measure of the base model before the first update: a few clips, read right and read wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunesmith.families.contract import Batch
from tunesmith.families.loss_terms import LossAccumulator, LossResult
from tunesmith.training.clips import Clips
from tunesmith.training.state import TrainState
from tunesmith.training.validation import Item, fixed_batches, fixed_items, measure

PROBE_CLIPS = 8


def probe_clips(state: TrainState) -> tuple[list[Batch], LossResult]:
    """A few clips that teach a network of the first stage, held-out ones where there are such, and their loss."""
    batches, base = [], LossResult(0.0, {})
    for items in _candidates(state):
        batches = fixed_batches(state.family, items, state.settings.batch_size)
        with state.measuring():
            base = measure(state, batches)
        if base.terms:
            return batches, base
    return batches, base


def clip_losses(state: TrainState) -> list[float]:
    """The base model's loss on each of the clips of :func:`probe_clips` that it has any loss on."""
    for items in _candidates(state):
        with state.measuring():
            measured = [measure(state, fixed_batches(state.family, [item], 1)) for item in items]
        if losses := [result.loss for result in measured if result.terms]:
            return losses
    return []


def _candidates(state: TrainState) -> Iterator[list[Item]]:
    for clips in (state.valid, state.train):
        for limit in (PROBE_CLIPS, None):
            if isinstance(clips, Clips):
                yield fixed_items(clips, limit)


def wrong_layout(state: TrainState, batches: Sequence[Batch]) -> tuple[str, float] | None:
    """The deliberately wrong reading of the clips that costs least, and its loss; ``None`` where a family has none."""
    found: list[tuple[float, str]] = []
    for name, probe in state.family.objective.sanity_variants().items():
        meter = LossAccumulator()
        with state.measuring(), state.accelerator.autocast():
            for batch in batches:
                meter.add(probe(state.active, state.to_device(batch)))
        found.append((meter.result().loss, name))
    return min(found)[::-1] if found else None
