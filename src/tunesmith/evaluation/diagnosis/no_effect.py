"""The adapter changes nothing: the fault that people notice last."""

from __future__ import annotations

import math
from dataclasses import fields

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.signals import Signals
from tunesmith.records.loss_probes import WeightChange
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import NOTHING, Message, msg

_IDENTICAL_SHARE = 0.8
_TOLERANCE = 1e-4
_SAME_LOSS = 1e-6


def judge(run: RunData) -> list[RunFinding]:
    """Most pairs (same prompt, same seed) measure the same to four digits, or the held-out losses agree to 1e-6."""
    pairs = list(zip(run.base or (), run.adapter, strict=False)) if run.pairs else []
    identical = sum(nearly_identical(base, adapter) for base, adapter in pairs)
    before, after = (run.losses.base_heldout, run.losses.adapter_heldout) if run.losses else (None, None)
    equal = before is not None and after is not None and abs(after - before) < _SAME_LOSS
    same_audio = bool(pairs) and identical >= _IDENTICAL_SHARE * len(pairs)
    if not same_audio and not equal:
        return []
    change = run.losses.probes.change if run.losses and run.losses.probes else None
    sentence = msg("The held-out loss is the same with and without the adapter.")
    if same_audio:
        sentence = msg(
            "{identical} of {pairs} outputs are the same with and without the adapter, same prompt and seed.",
            identical=identical,
            pairs=len(pairs),
        )
    return [
        RunFinding(
            name="no_effect",
            kind="same",
            title=msg("No effect"),
            sentence=sentence,
            evidence={
                "identical": identical,
                "n": len(pairs),
                "limit": _IDENTICAL_SHARE,
                "median": change.median if change else None,
            },
            cause=_cause(change),
            remedy=_remedy(change),
        )
    ]


def _cause(change: WeightChange | None) -> Message:
    if change is None:
        return NOTHING
    return msg(
        "Its {layers} layers move the weights by {share:.3%} in the median (1 % to 25 % after a good run).",
        layers=change.layers,
        share=change.median,
    )


def _remedy(change: WeightChange | None) -> Message:
    """All zero is another fault than weights that hardly moved."""
    if change is not None and change.largest == 0:
        return msg("Its weights or its alpha are 0: export or train it anew; training longer does not help.")
    return msg("Train longer, or with three times the learning rate.")


def nearly_identical(base: Signals, adapter: Signals) -> bool:
    """Whether two clips measure the same in every signal, to four digits: no two different performances do."""
    for field in fields(Signals):
        a, b = float(getattr(base, field.name)), float(getattr(adapter, field.name))
        if math.isnan(a) and math.isnan(b):
            continue
        if not abs(a - b) <= _TOLERANCE * max(1.0, abs(a)):
            return False
    return True
