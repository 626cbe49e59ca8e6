"""The clip is noise, or dissolves into it."""

from __future__ import annotations

import math

from tunesmith.audio.measure.noise_windows import (
    NOISE_FINE_CORR,
    NOISE_FLATNESS,
    NOISE_RAW_FLATNESS,
    STEADY_DB,
    is_noise,
)
from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.reference_stats import Deviation
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_MOST_MOVEMENTS = 22.0
_SIGNS = (("flat_white", 1, 1.0), ("fine_corr", -1, 1.0), ("eff_rank", 1, -0.5))
"""What noise moves, which way, and by how many spreads of the own clips at least."""
_LONGEST_S = 2.0
_MOST_LIKENESS = 0.6
_LEAST_RANGE_DB = 0.5
_LEAST_WHISPER_RANGE_DB = 1.5
_NOISIER = msg("Noisier than your own clips")


def detect(signals: Signals, context: Context) -> Reading | None:
    """Noise's flat fine structure over the clip or for some seconds, or too many independent movements."""
    if not signals.live:
        return None
    # What is whispered is as far from a person's voiced recordings as noise is from music.
    breath = context.profile == "speech" and _whispered(signals)
    off = None if breath else _noisier(signals, context)
    # Noise never comes back; a groove under loud hats, or through a coarse codec, is as flat but does.
    repeats = signals.loop_sim > _MOST_LIKENESS
    whole = is_noise(signals.flatness, signals.flat_white, signals.fine_corr) and not repeats
    whole = whole and not breath
    # A part is judged by itself: of a clip that is half voice and half noise the whole passes for a whisper.
    if math.isfinite(signals.noise_onset_s) and not whole and (signals.noise_std_db < STEADY_DB or not breath):
        return _part(signals, off)
    # A steady tone in faint hiss has as many movements, all of them the hiss's; its level gives it away.
    if not whole and signals.eff_rank > _MOST_MOVEMENTS and not signals.lra < _LEAST_RANGE_DB:
        rank = signals.eff_rank
        text = msg(
            "Sounds like noise: the spectrum moves in {rank:.0f} independent ways (limit {limit:.0f}; music 10, noise "
            "over 30).",
            rank=rank,
            limit=_MOST_MOVEMENTS,
        )
        return Reading(rank, _MOST_MOVEMENTS, "", text, off=off, unlike=_NOISIER)
    return _whole(signals, off, absolute=whole)


def _noisier(signals: Signals, context: Context) -> Deviation | None:
    """The greatest deviation where all point to noise; where they contradict each other, it is another timbre."""
    found = [(least, context.off(signals, **{name: sign})) for name, sign, least in _SIGNS]
    known = [(least, each) for least, each in found if each is not None]
    if not known or any(each.z < least for least, each in known):
        return None
    return max((each for _, each in known), key=lambda each: each.z)


def _part(signals: Signals, off: Deviation | None) -> Reading:
    start = signals.noise_onset_s
    end = signals.noise_end_s if math.isfinite(signals.noise_end_s) else signals.duration_s
    text = msg(
        "Sounds like hiss from second {start:.0f} to second {end:.0f} of {duration_s:.0f}: every window of 2 s in "
        "there "
        "is noise (limit {limit:.0f} s).",
        start=start,
        end=end,
        duration_s=signals.duration_s,
        limit=_LONGEST_S,
    )
    return Reading(end - start, _LONGEST_S, "s", text, off=off, unlike=_NOISIER)


def _whole(signals: Signals, off: Deviation | None, *, absolute: bool) -> Reading:
    """The two ways to be noise; the one that was passed is told."""
    if absolute and signals.flat_white <= NOISE_FLATNESS:
        text = msg(
            "Sounds like hiss: of the fine structure of its sound {fine_corr:.2f} persists from moment to moment "
            "(limit "
            "{limit}; noise 0, music about 0.3).",
            fine_corr=signals.fine_corr,
            limit=NOISE_FINE_CORR,
        )
        return Reading(signals.fine_corr, NOISE_FINE_CORR, "", text, off=off, unlike=_NOISIER)
    text = msg(
        "Sounds like hiss: its spectrum is flat to {flat_white:.2f} behind the colour (limit {limit}; music about "
        "0.25, "
        "pure noise 0.56).",
        flat_white=signals.flat_white,
        limit=NOISE_FLATNESS,
    )
    return Reading(signals.flat_white, NOISE_FLATNESS, "", text, absolute=absolute, off=off, unlike=_NOISIER)


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
    checks=("noise_only", "hiss", "noisy_tail"),
)
