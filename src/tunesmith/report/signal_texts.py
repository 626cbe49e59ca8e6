"""What the measured numbers are called on the page, with their units."""

from __future__ import annotations

from typing import Any

from tunesmith.evaluation.signal_names import SIGNALS
from tunesmith.report.texts import term
from tunesmith.texts import Message, msg


def signal_name(name: Any, *, unit: bool = True) -> Message:
    """What a measured number is called, with its unit; its own name where this table has none."""
    if not isinstance(name, str) or name not in SIGNALS:
        return Message.fixed(str(name))
    called, its_unit = SIGNALS[name]
    return msg("{signal}, {unit}", signal=called, unit=term("unit", its_unit)) if unit and its_unit else called
