"""Measures a run's networks on any of its clips, under any captions and at any strength of their adapter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from tunesmith.data.sample import Sample
from tunesmith.records.loss_probes import CaptionGains, ClipLoss, ProbePair, ScaleLoss
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import warn_of_unreadable

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.contract import Batch
    from tunesmith.families.loss_terms import TermSum
    from tunesmith.training.validation import Item

ClipSums = Mapping[str, "Mapping[str, TermSum]"]
"""What each clip's loss consists of, by its sample's id."""
Matrix = tuple[tuple[float, ...], ...]
"""Losses of clips, row by row, under captions; their own ones are on the diagonal."""
SUNG = ("caption", "lyrics")
"""Texts that another clip lends in music; in speech only what is said, since the prompt's text belongs to its audio."""


@dataclass(frozen=True)
class Captioned:
    """Clips under their own captions and under those that others lend: losses of all, gain and own loss of each."""

    own: ProbePair | None
    lent: ProbePair | None
    gains: CaptionGains | None
    each: tuple[ClipLoss, ...]


@dataclass(frozen=True)
class Assigned:
    """Clips under each other's captions.

    Attributes:
        losses: By all that was measured.
        first: By the first look alone, where it left open whether the captions fit; otherwise empty.
    """

    losses: Matrix = ()
    first: Matrix = ()


@dataclass(frozen=True)
class Meter:
    """Measures a run's networks at any strength of their adapter.

    Attributes:
        context: The run.
        networks: Its networks with an adapter attached, on ``device``; they stay as they are while this measures.
        device: Where to compute.
        known: What was measured of each clip, by strength: it is not measured again.
    """

    context: RunContext
    networks: Mapping[str, nn.Module]
    device: str
    known: dict[tuple[object, ...], Mapping[str, TermSum]] = field(default_factory=dict)

    def captioned(self, samples: Sequence[Sample], *, lending: bool = True) -> Captioned:
        """Clips under their own captions and, where ``lending``, under another one's."""
        own = self.sums(samples)
        lent = self.sums(swapped(self.context, samples) if lending else ())
        gains = [_gains(mine, borrowed) for mine, borrowed in zip(own, lent, strict=True)]
        known = CaptionGains(base=gains[0], adapter=gains[1]) if gains[0] else None
        return Captioned(pair_of(own), pair_of(lent), known, _each(own))

    def assigned(self, samples: Sequence[Sample], is_clear: Callable[[Matrix], bool]) -> Assigned:
        """The base's loss of every clip under the caption of each, by the objective's first look or by both.

        Args:
            samples: Clips of different captions.
            is_clear: Whether what the first look found needs no further one.
        """
        from tunesmith.adapters.scale import set_scale

        roles = _lent_roles(self.context)
        under = [[_with_texts(sample, other, roles) for other in samples] for sample in samples]
        encode_quietly(self.context, [sample for row in under for sample in row])
        set_scale(self.networks, 0.0)
        found = [self._of_each(items_of(self.context, row), look=0) for row in under]
        first = _matrix(found)
        if is_clear(first):
            return Assigned(first)
        for row, known in zip(under, found, strict=True):
            others = self._of_each(items_of(self.context, row), look=1)
            if not others:
                return Assigned(first)
            for terms, more in zip(known, others, strict=True):
                terms.update(more)
        return Assigned(_matrix(found), first)

    def sums(self, samples: Sequence[Sample]) -> list[ClipSums]:
        """Every sample's terms, each measured alone: with the base, and with the adapter at strength 1."""
        from tunesmith.adapters.scale import set_scale

        new = [sample for sample in samples if _key(sample, 0.0) not in self.known]
        items = items_of(self.context, new)
        for scale in (0.0, 1.0) if new else ():
            set_scale(self.networks, scale)
            measured = zip(new, self._of_each(items), strict=True)
            self.known.update({_key(sample, scale): terms for sample, terms in measured})
        return [{sample.id: self.known[_key(sample, scale)] for sample in samples} for scale in (0.0, 1.0)]

    def _of_each(self, items: Sequence[Item], *, look: int | None = None) -> list[dict[str, TermSum]]:
        import torch

        from tunesmith.training.state import to_device

        move = partial(to_device, device=self.device)
        with torch.no_grad():
            return self.context.family.objective.sums_of_each(self.networks, items, move, look=look)

    def sums_at(self, scale: float, batches: Sequence[Batch]) -> dict[str, TermSum]:
        """The terms of batches together, at a strength of the adapter."""
        import torch

        from tunesmith.adapters.scale import set_scale
        from tunesmith.families.loss_terms import LossAccumulator
        from tunesmith.training.state import to_device

        meter = LossAccumulator()
        set_scale(self.networks, scale)
        with torch.no_grad():
            for batch in batches:
                meter.add(self.context.family.objective.loss(self.networks, to_device(batch, self.device), None))
        return meter.sums()

    def by_scale(self, batches: Sequence[Batch], scales: Sequence[float]) -> tuple[ScaleLoss, ...]:
        """The loss over batches at some strengths; none without batches."""
        from tunesmith.families.loss_terms import result_of

        return tuple(
            ScaleLoss(scale=scale, loss=result_of([self.sums_at(scale, batches)]).loss)
            for scale in (scales if batches else ())
        )


def _key(sample: Sample, scale: float) -> tuple[object, ...]:
    """What is measured of a sample: its audios under its texts, at a strength."""
    return scale, sample.id, frozenset(sample.texts.items()), frozenset(sample.audios.items())


def pair_of(sides: Sequence[ClipSums]) -> ProbePair | None:
    """The loss of base and adapter over all clips; ``None`` without any."""
    from tunesmith.families.loss_terms import result_of

    if not sides[0]:
        return None
    base, adapter = (result_of(list(side.values())).loss for side in sides)
    return ProbePair(base=base, adapter=adapter)


def _each(sides: Sequence[ClipSums]) -> tuple[ClipLoss, ...]:
    from tunesmith.families.loss_terms import result_of

    base, adapter = sides
    return tuple(
        ClipLoss(clip=name, base=result_of([base[name]]).loss, adapter=result_of([adapter[name]]).loss) for name in base
    )


def _matrix(rows: Sequence[Sequence[Mapping[str, TermSum]]]) -> Matrix:
    from tunesmith.families.loss_terms import result_of

    return tuple(tuple(result_of([one]).loss for one in row) for row in rows)


def _gains(own: ClipSums, lent: ClipSums) -> tuple[float, ...]:
    from tunesmith.families.loss_terms import result_of

    return tuple(result_of([lent[name]]).loss - result_of([own[name]]).loss for name in lent)


def swapped(context: RunContext, samples: Sequence[Sample]) -> list[Sample]:
    """Every sample under the texts of another one that says something else; none where all say the same.

    Music needs no encoding for it: a text's encoding is kept by its content, and the other sample has it already. A
    prompt of speech holds two texts, so it is encoded, which takes no network.
    """
    roles = _lent_roles(context)
    return encode_quietly(context, [_with_texts(sample, other, roles) for sample, other in _others(samples)])


def _lent_roles(context: RunContext) -> tuple[str, ...]:
    return ("caption",) if context.family.is_speech else SUNG


def _with_texts(sample: Sample, other: Sample, roles: Sequence[str]) -> Sample:
    """A sample with another one's texts in these roles."""
    texts = {role: text for role, text in sample.texts.items() if role not in roles}
    lent = {role: text for role, text in other.texts.items() if role in roles}
    return replace(sample, texts={**texts, **lent}, variants=())


def encode_quietly(context: RunContext, samples: Sequence[Sample]) -> list[Sample]:
    """Put samples into the run's cache that are only measured; those that can be, and the others are named."""
    from tunesmith.data.cache import EncodedStore
    from tunesmith.stages.encode import Unfit, encode_samples, without

    store = EncodedStore(context.folder.cache, context.family.encoding.fields())
    unfit: Unfit = []
    encode_samples(context.quietly(), store, samples, unfit)
    if not unfit:
        return list(samples)
    left_out = defaultdict[str, list[Sample]](list)
    for variant, _ in unfit:
        left_out[variant.id].append(variant)
    left = [(sample, without(sample, left_out.get(sample.id, ()))) for sample in samples]
    warn_of_unreadable(context, [sample.id for sample, found in left if found is None])
    return [found for _, found in left if found is not None]


def _others(samples: Sequence[Sample]) -> Iterator[tuple[Sample, Sample]]:
    """Each sample with the next one that has another caption."""
    for index, sample in enumerate(samples):
        around = (*samples[index + 1 :], *samples[:index])
        other = next((s for s in around if s.texts.get("caption") != sample.texts.get("caption")), None)
        if other is not None:
            yield sample, other


def batches_of(context: RunContext, samples: Sequence[Sample]) -> list[Batch]:
    """Fixed batches of encoded samples, in which nothing is drawn."""
    from tunesmith.training.setup import clips_of
    from tunesmith.training.validation import fixed_batches, fixed_items

    if not samples:
        return []
    items = fixed_items(clips_of(context, samples))
    return fixed_batches(context.family, items, context.recipe.train.batch_size)


def items_of(context: RunContext, samples: Sequence[Sample]) -> list[Item]:
    """What is encoded of the first window of every sample, in their order."""
    from tunesmith.training.setup import clips_of

    if not samples:
        return []
    clips = clips_of(context, samples)
    return [clips.read(index, clips.crop(index, None)) for index in range(len(samples))]
