"""The clip is noise, or dissolves into it."""

from __future__ import annotations

import math

from tunesmith.audio.measure.spectrum import NOISE_FLATNESS, NOISE_RAW_FLATNESS, is_noise
from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_MOST_MOVEMENTS = 22.0
_MOST_LIKENESS = 0.6
_LEAST_RANGE_DB = 0.5
_LEAST_WHISPER_RANGE_DB = 1.5


def detect(signals: Signals, context: Context) -> Reading | None:
    """Noise's flat fine structure over the clip or from some second to the end, or too many independent movements."""
    if not signals.live:
        return None
    # What is whispered is as far from a person's voiced recordings as noise is from music.
    breath = context.profile == "speech" and _whispered(signals)
    z = None if breath else context.z(signals, flat_white=1, eff_rank=1, fine_corr=-1)
    # Noise never comes back; a groove under loud hats, or through a coarse codec, is as flat but does.
    repeats = signals.loop_sim > _MOST_LIKENESS
    whole = is_noise(signals.flatness, signals.flat_white, signals.fine_corr) and not repeats
    whole = whole and not breath
    if math.isfinite(signals.noise_onset_s) and signals.noise_onset_s > 0:
        onset = signals.noise_onset_s
        text = msg(
            "From second {onset:.0f} of {duration_s:.0f} on there is only noise, in every 2 s window.",
            onset=onset,
            duration_s=signals.duration_s,
        )
        return Reading(onset, signals.duration_s, "s", text, z=z)
    # A steady tone in faint hiss has as many movements, all of them the hiss's; its level gives it away.
    if not whole and signals.eff_rank > _MOST_MOVEMENTS and not signals.lra < _LEAST_RANGE_DB:
        rank = signals.eff_rank
        text = msg(
            "The spectrum moves in {rank:.0f} independent ways, as noise does (limit {limit:.0f}).",
            rank=rank,
            limit=_MOST_MOVEMENTS,
        )
        return Reading(rank, _MOST_MOVEMENTS, "", text, z=z)
    text = msg(
        "Spectral flatness after whitening is {flat_white:.2f} (limit {limit}, pure noise "
        "0.56), and fine structure persists at {fine_corr:.2f} (noise 0).",
        flat_white=signals.flat_white,
        limit=NOISE_FLATNESS,
        fine_corr=signals.fine_corr,
    )
    return Reading(signals.flat_white, NOISE_FLATNESS, "", text, absolute=whole, z=z)


def _whispered(signals: Signals) -> bool:
    """Breath has no lines either, but a mouth shapes it (raw flatness 0.06 at most, noise 0.2) and sets it apart."""
    return signals.flatness < NOISE_RAW_FLATNESS and signals.lra > _LEAST_WHISPER_RANGE_DB


RULE = Rule(
    name="noise",
    severity="broken",
    title=msg("Noise"),
    remedy=msg(
        "Generate with generate.adapter_scale=0.5 and from an earlier checkpoint; if it goes away, take the weaker one."
    ),
    detect=detect,
)
