"""Every per-file rule, and one clip checked by all of them."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.evaluation.diagnosis import (
    antiphase,
    babble,
    clipping,
    dc_offset,
    dead_channel,
    dead_tail,
    drone,
    dropouts,
    dull,
    fade,
    frozen,
    hum,
    incoherent,
    level,
    mono,
    noise,
    noisy_speech,
    not_finite,
    overdriven,
    repeated_clause,
    short,
    short_loop,
    silent,
    skipped_clause,
    stutter,
    too_long_speech,
    truncated,
    voice_lost,
    wrong_words,
)
from tunesmith.evaluation.diagnosis.rule import Context, Profile, Rule, Verdict
from tunesmith.evaluation.reference_stats import Reference, fit_centres
from tunesmith.evaluation.signals import Signals

FILE_RULES: tuple[Rule, ...] = (
    not_finite.RULE,
    silent.RULE,
    noise.RULE,
    fade.RULE,
    dead_tail.RULE,
    incoherent.RULE,
    babble.RULE,
    short_loop.RULE,
    drone.RULE,
    frozen.RULE,
    stutter.RULE,
    dropouts.RULE,
    clipping.RULE,
    overdriven.RULE,
    dull.RULE,
    level.RULE,
    hum.RULE,
    dc_offset.RULE,
    antiphase.RULE,
    dead_channel.RULE,
    mono.RULE,
    short.RULE,
    skipped_clause.RULE,
    truncated.RULE,
    repeated_clause.RULE,
    too_long_speech.RULE,
    noisy_speech.RULE,
    wrong_words.RULE,
    voice_lost.RULE,
)

_COMMON_SHARE = 0.5


def diagnose_file(
    signals: Signals,
    want_seconds: float | None = None,
    profile: Profile = "music",
    reference: Reference | None = None,
    *,
    whole: bool = False,
) -> list[Verdict]:
    """Everything wrong with one clip, worst first.

    Args:
        signals: From :func:`tunesmith.evaluation.signals.measure`.
        want_seconds: The length asked for; ``None`` when any length is right.
        profile: ``speech`` leaves out the rules that only hold for music, and adds those that read
            :class:`~tunesmith.evaluation.speech.signals.SpeechSignals`.
        reference: The person's own clips (:func:`reference_of`); adds calibrated limits and excuses what they do too.
        whole: Whole songs were asked for, which end as songs do.

    Returns:
        Verdicts in the order of :data:`FILE_RULES`; empty for a sound clip.
    """
    context = Context(want_seconds, profile, reference, whole)
    verdicts = [rule.check(signals, context) for rule in FILE_RULES]
    return [verdict for verdict in verdicts if verdict is not None]


def reference_of(clips: Sequence[Signals], profile: Profile = "music") -> Reference | None:
    """Sums up the person's own clips so that outputs can be compared with them.

    Args:
        clips: Measured on crops of the same length and sample rate as the outputs will have.
        profile: As for :func:`diagnose_file`.

    Returns:
        The reference, or ``None`` without clips. Calibrated limits need eight clips, excuses two.
    """
    if not clips:
        return None
    context = Context(profile=profile)
    shares = {rule.name: sum(rule.check(c, context) is not None for c in clips) / len(clips) for rule in FILE_RULES}
    common = {name: share for name, share in shares.items() if share >= _COMMON_SHARE and len(clips) > 1}
    return Reference(len(clips), fit_centres(clips), common)
