"""The train stage: training, and what cheap forward passes say of the adapter that is kept, before anyone has heard it.

Training itself knows nothing of the probes: they encode clips under other clips' captions, which is a stage's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunesmith.evaluation.causes import find_causes
from tunesmith.evaluation.causes.by_heart import train_change
from tunesmith.evaluation.diagnosis import Losses, RunData
from tunesmith.records.loss_probes import LossProbes
from tunesmith.records.stage_state import TrainSummary
from tunesmith.run.adapted import adapter_folder
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import training_samples
from tunesmith.stages.loss_meter import Meter
from tunesmith.stages.probes import probed_of, spread
from tunesmith.texts import msg
from tunesmith.training.start import Start
from tunesmith.training.trainer import train as train_adapter

if TYPE_CHECKING:
    from torch import nn


def train(context: RunContext, start: Start | None = None) -> dict[str, Any]:
    """Train a run's adapter (:func:`tunesmith.training.trainer.train`), probe what is kept of it, and tell the numbers.

    Returns:
        The summary of training, with its probes.
    """
    return train_adapter(context, start, at_end=probed)


def probed(context: RunContext, networks: Mapping[str, nn.Module], device: str, summary: TrainSummary) -> TrainSummary:
    """The summary with the losses of training clips, and in music under others' captions; it is told as well.

    Args:
        context: The run.
        networks: Its networks with the kept adapter, in evaluation mode on ``device``; at strength 1 afterwards.
        device: Where to compute.
        summary: What came of training.
    """
    from tunesmith.adapters.scale import set_scale

    # Speech under another text has to be encoded anew, for which training would load what it needs nowhere else.
    lending = not context.family.is_speech
    clips = spread(training_samples(context.folder))
    measured = Meter(context, networks, device).captioned(clips, lending=lending)
    set_scale(networks, 1.0)
    probes = LossProbes(
        clips=len(measured.each),
        train=measured.own,
        swapped=measured.lent,
        held_out_clips=0,
        held_out=None,
        held_out_swapped=None,
        scales=(),
        gains=measured.gains,
        change=None,
    )
    of_these = probed_of(context, adapter_folder(context), clips)
    found = summary.model_copy(update={"probes": probes, "probed": of_these})
    tell(context, found, probes)
    return found


def tell(context: RunContext, summary: TrainSummary, probes: LossProbes) -> None:
    """Print what the probes measured, and the cause that already speaks from them."""
    log = context.console.log
    if probes.train is not None and train_change(probes) is not None:
        log(
            msg(
                "  at the end: loss of {clips} training clips {base:.3f} → {adapter:.3f}",
                clips=probes.clips,
                base=probes.train.base,
                adapter=probes.train.adapter,
            )
        )
    if probes.gains is not None and (worth := probes.gains.means()) is not None:
        log(
            msg(
                "  another clip's caption costs {adapter:+.3f} (the base model {base:+.3f})",
                base=worth[0],
                adapter=worth[1],
            )
        )
    for cause in find_causes(_judged(summary, probes)):
        log(msg("Why: {title}: {sentence}", title=cause.title, sentence=cause.sentence))


def _judged(summary: TrainSummary, probes: LossProbes) -> RunData:
    """What is known when training ends: of one phase the held-out loss before and after, too."""
    only = summary.stages[0] if len(summary.stages) == 1 else None
    known = Losses(
        base_heldout=only.first_loss if only else None,
        adapter_heldout=only.best_loss if only and only.best_update is not None else None,
        probes=probes,
    )
    return RunData(None, (), losses=known)
