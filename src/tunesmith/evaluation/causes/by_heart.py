"""It learnt its training clips by heart: nothing of it holds for others."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.training_curve import Overfit, overfit
from tunesmith.records.loss_probes import LossProbes
from tunesmith.records.run_finding import Cause
from tunesmith.texts import Message, msg

LEARNT = 0.02
"""A fall of the training clips' loss that no draw explains: they were trained on."""
_HELD = 0.005
_MUCH, _HOLDS = 0.1, 0.15
_REMEDY = msg("Train fewer updates or take an earlier checkpoint, add clips, or lower the rank.")


def find(run: RunData) -> Cause | None:
    """The loss of training clips fell and that of held-out ones did not, now or from some update of the training on."""
    losses, training = run.losses, run.training
    if losses is None or losses.base_heldout is None or losses.adapter_heldout is None:
        return None
    change = train_change(losses.probes)
    held = (losses.adapter_heldout - losses.base_heldout) / losses.base_heldout if losses.base_heldout else 0.0
    if change is not None and change < -LEARNT and held > -_HELD and losses.probes is not None:
        sentence = msg(
            "It learnt your clips by heart: {numbers}, and nothing of it holds for others.",
            numbers=train_numbers(losses.probes),
        )
        return _cause(sentence, train_change=change, heldout_change=held)
    if change is not None and change < -_MUCH and -held < _HOLDS * -change and losses.probes is not None:
        sentence = msg(
            "It learnt your clips by heart: {numbers}, and {share:.0%} of that gain holds for held-out clips (a "
            "quarter or more after a good run).",
            numbers=train_numbers(losses.probes),
            share=held / change,
        )
        return _cause(sentence, train_change=change, heldout_change=held)
    curve = overfit(training)
    return None if curve is None or training is None else _from(curve, training.clips, training.passes)


def _from(curve: Overfit, clips: int, passes: float) -> Cause:
    sentence = msg(
        "From update {best} on it learnt your {clips} clips by heart: by update {last} the training loss had fallen to "
        "{train:.3f} while the held-out loss rose from {lowest:.3f} to {held:.3f}, which takes back {lost:.0%} of what "
        "it had gained. Each clip was seen {passes:.0f} times.",
        best=curve.best_update,
        clips=clips,
        last=curve.last_update,
        train=curve.train,
        lowest=curve.lowest,
        held=curve.last,
        lost=curve.lost,
        passes=passes,
    )
    return _cause(sentence, lowest=curve.lowest, last=curve.last, lost=curve.lost, passes=passes, clips=clips)


def _cause(sentence: Message, **evidence: float) -> Cause:
    return Cause(
        name="by_heart", title=msg("Learnt by heart"), sentence=sentence, remedy=_REMEDY, evidence=dict(evidence)
    )


def train_change(probes: LossProbes | None) -> float | None:
    """By which share the loss of training clips changed; ``None`` where it was not measured or is not a number."""
    train = probes.train if probes else None
    if train is None or train.base is None or train.adapter is None or not train.base:
        return None
    return (train.adapter - train.base) / train.base


def train_numbers(probes: LossProbes) -> Message:
    """What became of the loss of training clips, in words."""
    train, change = probes.train, train_change(probes)
    return msg(
        "the loss of {clips} clips that it was trained on went from {base:.3f} to {adapter:.3f} ({change:+.1f} %)",
        clips=probes.clips,
        base=train.base if train else None,
        adapter=train.adapter if train else None,
        change=100 * (change or 0.0),
    )
