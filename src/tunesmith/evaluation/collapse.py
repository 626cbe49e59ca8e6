"""Faults that make a preview unusable: training warns of them, and a checkpoint that has one is never the best."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis import dead_tail, fade, noise, not_finite, silent
from tunesmith.evaluation.diagnosis.rule import Context, Profile
from tunesmith.evaluation.reference_stats import Reference
from tunesmith.evaluation.signals import Signals

_STRONG_FADE_DB = 9.0
_STRONG_TAIL_SHARE = 0.25


def collapse(signals: Signals, reference: Reference | None = None, profile: Profile = "music") -> str | None:
    """Whether a preview is so bad that its checkpoint must not be called best.

    Args:
        signals: One preview, measured.
        reference: The person's own clips; faults that most of these have as well do not count.
        profile: Speech may be whispered, which is noise in music.

    Returns:
        ``not_finite``, ``silent``, ``noise``, ``fade`` (9 dB or more from first to last third), ``dead_tail`` (a
        quarter of the clip or more), or ``None``.
    """
    context = Context(profile=profile, reference=reference)
    for rule in (not_finite.RULE, silent.RULE, noise.RULE, fade.RULE, dead_tail.RULE):
        verdict = rule.check(signals, context)
        if verdict is None or not verdict.absolute:
            continue
        if rule is fade.RULE and verdict.number < _STRONG_FADE_DB:
            continue
        if rule is dead_tail.RULE and verdict.number < _STRONG_TAIL_SHARE * signals.duration_s:
            continue
        return rule.name
    return None
