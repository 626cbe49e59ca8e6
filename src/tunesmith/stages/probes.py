"""Forward passes that tell causes apart: training clips beside held-out ones, swapped captions, other strengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tunesmith.data.replay import is_replay
from tunesmith.data.sample import Sample
from tunesmith.records.loss_probes import LossProbes, ProbePair, ScaleLoss
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import evaluated_samples

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.contract import Batch

PROBED = 8
"""Training clips, and held-out ones, that are looked at: enough to tell causes apart, and few forward passes."""
SCALES = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0)
SUNG = ("caption", "lyrics")
"""Texts that another clip lends in music; in speech only what is said, since the prompt's text belongs to its audio."""


def measure_probes(context: RunContext, networks: Mapping[str, nn.Module], device: str) -> LossProbes:
    """The probes of an adapter on the run's encoded clips. Leaves the adapter at strength 1.

    Args:
        context: The run.
        networks: Its networks with the adapter attached, on ``device``.
        device: Where to compute.
    """
    from tunesmith.adapters.change import weight_change
    from tunesmith.adapters.scale import set_scale

    own = [sample for sample in evaluated_samples(context.folder) if not is_replay(sample)]
    train = _spread([sample for sample in own if sample.split == "train"])
    held_out = _spread([sample for sample in own if sample.split == "valid"])
    sets = {
        "train": _batches(context, train),
        "swapped": _batches(context, swapped(context, train)),
        "held_out": _batches(context, held_out),
        "held_out_swapped": _batches(context, swapped(context, held_out)),
    }
    found: dict[str, dict[float, float]] = {name: {} for name in sets}
    graded = "held_out" if held_out else "train"
    for scale in SCALES:
        set_scale(networks, scale)
        for name, batches in sets.items():
            if batches and (name == graded or scale in (0.0, 1.0)):
                found[name][scale] = _loss(context, networks, batches, device)
    set_scale(networks, 1.0)
    pairs = {name: _pair(losses) for name, losses in found.items()}
    return LossProbes(
        clips=len(train),
        held_out_clips=len(held_out),
        scales=tuple(ScaleLoss(scale=scale, loss=loss) for scale, loss in found[graded].items()),
        change=weight_change(networks),
        **pairs,
    )


def swapped(context: RunContext, samples: Sequence[Sample]) -> list[Sample]:
    """Every sample under the texts of another one that says something else; none where all say the same.

    Music needs no encoding for it: a text's encoding is kept by its content, and the other sample has it already. A
    prompt of speech holds two texts, so it is encoded, which takes no network.
    """
    from tunesmith.data.cache import EncodedStore
    from tunesmith.stages.encode import encode_samples

    roles = ("caption",) if context.family.is_speech else SUNG
    found = []
    for sample, other in _others(samples):
        texts = {role: text for role, text in sample.texts.items() if role not in roles}
        lent = {role: text for role, text in other.texts.items() if role in roles}
        found.append(replace(sample, texts={**texts, **lent}, variants=()))
    store = EncodedStore(context.folder.cache, context.family.encoding.fields())
    encode_samples(context.quietly(), store, found)
    return found


def _others(samples: Sequence[Sample]) -> Iterator[tuple[Sample, Sample]]:
    """Each sample with the next one that has another caption."""
    for index, sample in enumerate(samples):
        around = (*samples[index + 1 :], *samples[:index])
        other = next((s for s in around if s.texts.get("caption") != sample.texts.get("caption")), None)
        if other is not None:
            yield sample, other


def _spread(samples: Sequence[Sample]) -> list[Sample]:
    """At most :data:`PROBED` of them, evenly from all, by id: the same ones in every evaluation of a run."""
    ordered = sorted(samples, key=lambda sample: sample.id)
    count = min(PROBED, len(ordered))
    return [ordered[index * len(ordered) // count] for index in range(count)]


def _batches(context: RunContext, samples: Sequence[Sample]) -> list[Batch]:
    from tunesmith.training.setup import clips_of
    from tunesmith.training.validation import fixed_batches, fixed_items

    if not samples:
        return []
    items = fixed_items(clips_of(context, samples))
    return fixed_batches(context.family, items, context.recipe.train.batch_size)


def _loss(context: RunContext, networks: Mapping[str, nn.Module], batches: Sequence[Batch], device: str) -> float:
    from tunesmith.training.validation import measure_networks

    return measure_networks(context.family, networks, batches, device).loss


def _pair(losses: Mapping[float, float]) -> ProbePair | None:
    return ProbePair(base=losses[0.0], adapter=losses[1.0]) if losses else None
