"""Speech without syllables: the right sounds in no order."""

from __future__ import annotations

from tunesmith.audio.measure.noise_windows import is_noise
from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_LEAST_MODULATION_DB = 5.0
_MOST_CONTINUITY = 0.45
_SHORTEST_S = 1.0


def detect(signals: Signals) -> Reading | None:
    """The sound moves as fast as it moves slowly, and moments 40 ms apart are unrelated; not noise."""
    if not signals.live or signals.duration_s < _SHORTEST_S:
        return None
    if is_noise(signals.flatness, signals.flat_white, signals.fine_corr):
        return None
    if not (signals.modulation_db < _LEAST_MODULATION_DB and signals.mel_adj_corr_c < _MOST_CONTINUITY):
        return None
    text = msg(
        "Sounds like babble: movement at the pace of syllables is only {modulation_db:.1f} dB over fast movement "
        "(limit "
        "{limit:.0f} dB; speech 7 dB and more).",
        modulation_db=signals.modulation_db,
        limit=_LEAST_MODULATION_DB,
    )
    return Reading(signals.modulation_db, _LEAST_MODULATION_DB, "dB", text)


RULE = Rule(
    name="babble",
    severity="broken",
    title=msg("Babble"),
    remedy=msg(
        "See whether the base model's held-out loss is sane before the first step, and generate with adapter scale "
        "0: if the base babbles too, its tokens or its decoder are wrong."
    ),
    detect=by_signals(detect),
    profiles=("speech",),
)
