"""The clip is shorter than what was asked for."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_LEAST_SHARE = 0.95


def detect(signals: Signals, context: Context) -> Reading | None:
    """Under 95 % of the requested length."""
    if not context.want_seconds or signals.duration_s >= _LEAST_SHARE * context.want_seconds:
        return None
    limit = _LEAST_SHARE * context.want_seconds
    text = msg(
        "{duration_s:.1f} s came out, {want_seconds:.1f} s were asked for.",
        duration_s=signals.duration_s,
        want_seconds=context.want_seconds,
    )
    return Reading(signals.duration_s, limit, "s", text)


RULE = Rule(
    name="short",
    severity="flaw",
    title=msg("Too short"),
    remedy=msg("Raise the token limit to the seconds times the frame rate plus the delays."),
    detect=detect,
)
