"""A gate that stops a run, as an error that knows which gates they were; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg


class GateStopError(TunesmithError):
    """Gates that stopped a run before its first update.

    Args:
        what: What they saw.
        gates: Their names.
    """

    def __init__(self, what: Message, gates: Sequence[str]) -> None:
        remedy = msg(
            "Nothing was trained. Correct the cause; to train all the same, set {settings} (or off).",
            settings=tuple(f"gates.{name}=warn" for name in gates),
        )
        super().__init__(what, remedy=remedy)
        self.gates = tuple(gates)

    def with_flags(self) -> None:
        """Name the flags of a doorway instead of the recipe's keys."""
        self.remedy = msg(
            "Nothing was trained. Correct the cause; to train all the same, add {flags} (or off).",
            flags=" ".join(f"--gate {name}=warn" for name in self.gates),
        )
