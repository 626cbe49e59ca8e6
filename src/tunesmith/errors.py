"""The one exception that users see: what went wrong, where, and what to do about it."""


class TunesmithError(Exception):
    """A failure the user can act on; the command line prints it as one sentence and exits non-zero.

    Args:
        what: What went wrong, with the numbers that show it.
        where: The file (``file:line``), clip or key it concerns, when there is one.
        remedy: What the user can do now.
    """

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text.rstrip('.')}. {self.remedy}" if self.remedy else text


class UnfitSampleError(TunesmithError):
    """One sample cannot be encoded while others can: it is put aside, and the rest goes on."""
