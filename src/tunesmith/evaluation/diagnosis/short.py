"""The clip is shorter than what was asked for."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_LEAST_SHARE = 0.95


def look(signals: Signals, context: Context) -> Reading | None:
    """Under 95 % of the requested length."""
    if not context.want_seconds or signals.duration_s >= _LEAST_SHARE * context.want_seconds:
        return None
    limit = _LEAST_SHARE * context.want_seconds
    text = Text(
        f"{signals.duration_s:.1f} s came out, {context.want_seconds:.1f} s were asked for.",
        f"只生成了 {signals.duration_s:.1f} 秒，要求是 {context.want_seconds:.1f} 秒。",
    )
    return Reading(signals.duration_s, limit, "s", text)


RULE = Rule(
    name="short",
    severity="flaw",
    title=Text("Too short", "时长不足"),
    causes=Text(
        "A token limit, an early end token, or frames lost to the codebooks' delays.",
        "标记数上限、过早的结束标记，或因码本延迟丢失了帧。",
    ),
    remedy=Text(
        "Raise the token limit to the seconds times the frame rate plus the delays.",
        "把标记数上限提高到“秒数×帧率+延迟”。",
    ),
    look=look,
)
