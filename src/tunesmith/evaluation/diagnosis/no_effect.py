"""The adapter changes nothing: the fault that people notice last."""

from __future__ import annotations

import math
from dataclasses import fields

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.signals import Signals
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import msg

_IDENTICAL_SHARE = 0.8
_TOLERANCE = 1e-4
_SAME_LOSS = 1e-6
_REMEDY = msg("See whether the adapter that was trained is the one that is loaded, and at which scale.")


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
            remedy=_REMEDY,
        )
    ]


def nearly_identical(base: Signals, adapter: Signals) -> bool:
    """Whether two clips measure the same in every signal, to four digits: no two different performances do."""
    for field in fields(Signals):
        a, b = float(getattr(base, field.name)), float(getattr(adapter, field.name))
        if math.isnan(a) and math.isnan(b):
            continue
        if not abs(a - b) <= _TOLERANCE * max(1.0, abs(a)):
            return False
    return True
