"""Training counted something else than what the model is to generate: labels, layout, padding, noise, prompt."""

from __future__ import annotations

import math
from statistics import fmean

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import Cause
from tunesmith.texts import Message, msg

_SAME = 0.005  # of the loss: measured twice it is the same to the last digit, on another machine to a thousandth
_FELL, _ROSE = 0.1, 0.02
_EDGE = 3  # lines of the training loss at either end


def find(run: RunData) -> Cause | None:
    """The base's loss on the held-out clips is not what training began with, or the two losses went opposite ways."""
    moved = moved_base(run)
    if moved is not None and run.training is not None and not run.training.other_base:
        then, now = moved
        return _cause(
            msg(
                "Training began at a held-out loss of {then:.3f}, and the same base model on the same clips has "
                "{now:.3f} (in a sound run both are equal): what was trained is not what is generated.",
                then=then,
                now=now,
            ),
            then=then,
            now=now,
        )
    return _opposite(run)


def moved_base(run: RunData) -> tuple[float, float] | None:
    """The base's held-out loss when training began and now, over the terms that both have.

    ``None`` where they are equal, or where clips are gone since.
    """
    losses, training = run.losses, run.training
    if losses is None or training is None or training.lost:
        return None
    shared = [name for name in training.first_terms if losses.base_terms.get(name) is not None]
    pairs = [(training.first_terms[name], losses.base_terms[name]) for name in shared]
    pairs = [(then, now) for then, now in pairs if math.isfinite(then) and math.isfinite(now)]
    if all(abs(then - now) <= _SAME * max(abs(then), abs(now)) for then, now in pairs):
        return None
    one_stage = len({one.stage for one in training.held_out}) == 1
    if one_stage and losses.base_heldout and set(training.first_terms) == set(losses.base_terms):
        return training.held_out[0].loss, losses.base_heldout
    return fmean(then for then, _ in pairs), fmean(now for _, now in pairs)


def _opposite(run: RunData) -> Cause | None:
    """Training's own loss fell, and the loss of the very clips that it was trained on rose."""
    probes = run.losses.probes if run.losses else None
    train = probes.train if probes else None
    if train is None or run.training is None or not train.base or train.adapter is None:
        return None
    losses = [loss for _, loss in run.training.losses]
    if len({one.stage for one in run.training.held_out}) > 1:
        return None  # each stage has a loss of its own, and the first is not to be held against the last
    if len(losses) < 2 * _EDGE or run.training.strength not in (None, 1.0):
        return None
    first, last = fmean(losses[:_EDGE]), fmean(losses[-_EDGE:])
    if last > (1 - _FELL) * first or train.adapter < (1 + _ROSE) * train.base:
        return None
    return _cause(
        msg(
            "Training's own loss fell from {first:.3f} to {last:.3f}, while the loss of {clips} clips that it was "
            "trained on rose from {base:.3f} to {adapter:.3f} (after a good run both fall): what was trained is not "
            "what is generated.",
            first=first,
            last=last,
            clips=probes.clips if probes else 0,
            base=train.base,
            adapter=train.adapter,
        ),
        first=first,
        last=last,
        base=train.base,
        adapter=train.adapter,
    )


def _cause(sentence: Message, **evidence: float) -> Cause:
    return Cause(
        name="objective",
        title=msg("Trained on something else"),
        sentence=sentence,
        remedy=msg(
            "Look at how training makes its labels: layout and delay of the codes, sign and level of the noise, "
            "offsets of ids, padding, and whether the prompt counts; training longer does not help."
        ),
        evidence=dict(evidence),
    )
