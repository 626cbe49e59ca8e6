"""Forward passes that tell causes apart: training clips beside held-out ones, swapped captions, other strengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.data.content import audio_key, checkpoint_content, content_key, file_digest
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import Sample
from tunesmith.data.samples import ids_of
from tunesmith.data.spread import spread_places
from tunesmith.evaluation.causes.captions import FEWEST_CAPTIONS, are_answered, is_clear
from tunesmith.evaluation.diagnosis.forgetting import half_may_be_under_half
from tunesmith.evaluation.strengths import quarter_may_be_best
from tunesmith.recipe.decided import plain
from tunesmith.records.loss_probes import CaptionGains, LossProbes, ProbePair, ScaleLoss
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import evaluated_samples
from tunesmith.stages.loss_meter import Assigned, Captioned, Meter, batches_of, encode_quietly
from tunesmith.stages.silence_probe import silence_behind

if TYPE_CHECKING:
    from tunesmith.families.contract import Batch

FURTHER_SCALES = (0.5, 1.5)
"""Strengths beside 0 and 1, at which everything is measured: those that are heard."""
STYLE_SCALES = (0.5,)
"""The same on prompts in the base's own style."""
WEAKEST = 0.25
"""The strength that is measured where the others leave open what a verdict needs of it."""


def measure_probes(
    meter: Meter,
    style: Sequence[Batch] = (),
    style_ends: tuple[float, float] | None = None,
    adapter: Path | None = None,
) -> LossProbes:
    """The probes of an adapter on the run's encoded clips. Leaves the adapter at strength 1.

    What training has measured at its end with the same base, adapter and clips is not measured again.

    Args:
        meter: The run and its networks with the adapter attached; what it has measured is not measured again.
        style: Prompts in the base's own style.
        style_ends: Their loss with the base and with the adapter at strength 1, which is known already.
        adapter: The folder that the adapter is from.
    """
    from tunesmith.adapters.change import weight_change
    from tunesmith.adapters.scale import set_scale

    context, networks = meter.context, meter.networks
    own = [sample for sample in evaluated_samples(context.folder) if not is_replay(sample)]
    train = spread([sample for sample in own if sample.split == "train"])
    held_out = spread([sample for sample in own if sample.split == "valid"])
    readable = encode_quietly(context, [*train, *held_out])
    train, held_out = ([sample for sample in readable if sample.split == side] for side in ("train", "valid"))
    trained = (adapter and measured_in_training(context, adapter, train)) or meter.captioned(train)
    held = meter.captioned(held_out)
    assigned = _assigned(meter, own, trained.gains, held.gains)
    batches = batches_of(context, held_out or train)
    found = LossProbes(
        clips=len(train),
        train=trained.own,
        swapped=trained.lent,
        held_out_clips=len(held_out),
        held_out=held.own,
        held_out_swapped=held.lent,
        scales=_graded(meter, batches, FURTHER_SCALES, _ends(held.own or trained.own), quarter_may_be_best),
        gains=trained.gains,
        held_out_gains=held.gains,
        assigned=assigned.losses,
        assigned_first=assigned.first,
        silence=silence_behind(meter, train),
        base_style=_graded(meter, style, STYLE_SCALES, style_ends, half_may_be_under_half),
        each_held_out=held.each,
        change=None,
    )
    set_scale(networks, 1.0)
    return found.model_copy(update={"change": weight_change(networks)})


def measured_in_training(context: RunContext, adapter: Path, samples: Sequence[Sample]) -> Captioned | None:
    """What training measured of these clips at its end; ``None`` where base, adapter or clips are others now."""
    state = context.folder.stage_state("train")
    summary = state.training() if state else None
    probes = summary.probes if summary else None
    if summary is None or probes is None or not probes.gains or summary.probed != probed_of(context, adapter, samples):
        return None
    return Captioned(probes.train, probes.swapped, probes.gains, ())


def probed_of(context: RunContext, adapter: Path, samples: Sequence[Sample]) -> str:
    """Key of a base, an adapter's files and clips, by content, and of what the recipe makes of them."""
    files = sorted(path for path in adapter.rglob("*") if path.suffix in (".json", ".safetensors"))
    clips = (audio_key(audio) for sample in samples for audio in sample.audios.values())
    texts = (text for sample in samples for item in sorted(sample.texts.items()) for text in item)
    base = checkpoint_content(context.family.checkpoint.folder)
    window, options = context.recipe.data.max_seconds, sorted(plain(context.recipe.options).items())
    return content_key(base, window, options, *map(file_digest, files), *clips, *texts)


def _ends(pair: ProbePair | None) -> tuple[float, float] | None:
    if pair is None or pair.base is None or pair.adapter is None:
        return None
    return pair.base, pair.adapter


def _graded(
    meter: Meter,
    batches: Sequence[Batch],
    scales: Sequence[float],
    ends: tuple[float, float] | None,
    needs_weakest: Callable[[Sequence[ScaleLoss]], bool],
) -> tuple[ScaleLoss, ...]:
    """The loss over batches by strength, of which 0 and 1 are known; none where they are not."""
    if ends is None:
        return ()
    found = [ScaleLoss(scale=scale, loss=loss) for scale, loss in enumerate(ends)]
    found += meter.by_scale(batches, scales)
    if batches and needs_weakest(found):
        found += meter.by_scale(batches, (WEAKEST,))
    return tuple(sorted(found, key=lambda one: one.scale))


def _assigned(
    meter: Meter, own: Sequence[Sample], gains: CaptionGains | None, held_out_gains: CaptionGains | None
) -> Assigned:
    """Clips under each other's captions; nothing where these many passes would decide nothing."""
    if are_answered(gains, held_out_gains):
        return Assigned()
    clips = encode_quietly(meter.context, spread(_of_each_caption(own)))
    return meter.assigned(clips, is_clear) if len(clips) >= FEWEST_CAPTIONS else Assigned()


def _of_each_caption(samples: Sequence[Sample]) -> list[Sample]:
    """The first clip of each caption."""
    return list({sample.texts.get("caption"): sample for sample in reversed(samples)}.values())


def spread(samples: Sequence[Sample]) -> list[Sample]:
    """A few of them, evenly from all, by id: the same ones in every evaluation of a run."""
    return [samples[place] for place in spread_places(ids_of(samples))]
