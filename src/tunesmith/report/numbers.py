"""How numbers read on the page: few digits, one sign for "unknown", the same in every language but for units."""

from __future__ import annotations

import math
from typing import Any

from tunesmith.texts import Message, msg

UNKNOWN = "–"
_MINUS = "\u2212"


def real(value: Any) -> float | None:
    """The finite number that ``value`` is, or ``None`` (NaN, infinity, text and booleans are none)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def number(value: Any) -> str:
    """Three significant digits at most, whole numbers in full with a thin space between thousands."""
    result = real(value)
    if result is None:
        return UNKNOWN
    size = abs(result)
    if size >= 1e15 or 0 < size < 1e-3:
        mantissa, exponent = f"{result:.2e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    elif result == int(result) or size >= 100:
        text = f"{result:,.0f}".replace(",", "\u2009")
    elif size < 0.01:
        text = f"{result:.3g}"
    else:
        digits = 1 if size >= 10 else 2 if size >= 1 else 3
        text = f"{result:.{digits}f}"
    return text.replace("-", _MINUS)


def loss(value: Any) -> str:
    """A loss: always three decimals, so that columns compare."""
    result = real(value)
    return UNKNOWN if result is None else f"{result:.3f}".replace("-", _MINUS)


def change(before: Any, after: Any) -> str:
    """Relative change in percent with its sign, e.g. ``−12.6 %``."""
    first, second = real(before), real(after)
    if first is None or second is None or first == 0:
        return UNKNOWN
    return f"{100 * (second - first) / abs(first):+.1f} %".replace("-", _MINUS)


def duration(seconds: Any) -> Message:
    """Seconds as a person says them: ``42 s``, ``3 min 05 s``, ``2 h 03 min``."""
    result = real(seconds)
    if result is None or result < 0:
        return Message.fixed(UNKNOWN)
    if result < 60:
        digits = 0 if result >= 10 or result == int(result) else 1
        return msg("{seconds} s", seconds=format(result, f".{digits}f"))
    minutes, rest = divmod(round(result), 60)
    if minutes < 60:
        return msg("{minutes} min {seconds:02d} s", minutes=minutes, seconds=rest)
    return msg("{hours} h {minutes:02d} min", hours=minutes // 60, minutes=minutes % 60)


def plain(value: Any) -> str:
    """Any JSON value as one short line."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value) or UNKNOWN
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items()) or UNKNOWN
    return str(value)
