"""The clip is silent, or silent for most of its length."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_QUIETEST_LUFS = -50.0
_MOST_SILENCE = 0.5


def detect(signals: Signals) -> Reading | None:
    """Loudness under -50 LUFS, or more than half of the clip under -60 LUFS."""
    if not signals.live:
        text = msg("Loudness is {lufs:.0f} LUFS (limit {limit:.0f}).", lufs=signals.lufs, limit=_QUIETEST_LUFS)
        return Reading(signals.lufs, _QUIETEST_LUFS, "LUFS", text)
    if signals.silence_ratio > _MOST_SILENCE:
        share = 100 * signals.silence_ratio
        text = msg("{share:.0f} % of the clip is silent (limit 50 %).", share=share)
        return Reading(share, 100 * _MOST_SILENCE, "%", text)
    return None


RULE = Rule(
    name="silent",
    severity="broken",
    title=msg("Silent"),
    remedy=msg(
        "Generate with generate.adapter_scale=0: if sound returns, the adapter silences it; if not, the "
        "base model or the decoder is at fault."
    ),
    detect=by_signals(detect),
    checks=("mostly_silent", "silent_labels", "gap"),
)
