"""``data/findings.json``: what the checks found out about the clips, what is left of them, and how they are split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from tunesmith.records.record import Record, Said
from tunesmith.texts import NOTHING, Message, with_remedy

Level = Literal["error", "warn", "info"]


class Finding(BaseModel):
    """One observation of one check.

    Attributes:
        check: The check's name (its file's name), e.g. ``mostly_silent``.
        level: ``error`` quarantines the clip, ``warn`` asks for attention, ``info`` only tells.
        clip: The sample's id; ``*`` for a finding about the whole set.
        message: A sentence for the user, with the measured number in it.
        value: The measured number, in ``unit``; ``None`` where there is none.
        limit: The limit it was held against.
        unit: Unit of value and limit (``s``, ``dB``, ``%``…).
        remedy: What to do about it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    level: Level
    clip: str
    message: Said
    value: int | float | None = None
    limit: int | float | None = None
    unit: str = ""
    remedy: Said = NOTHING

    def with_remedy(self) -> Message:
        """What was found, and what to do about it."""
        return with_remedy(self.message, self.remedy)


class ReplayCounts(BaseModel):
    """What there is of a replay set.

    Attributes:
        folder: Where it lies, as the recipe names it.
        layout: How its clips and texts belong together.
        kept: Clips that can be used.
        train: Those that may be trained on.
        valid: Those that are held out.
        seconds: Length of all that are kept.
        kinds: Clips by edit type and part.
        share: Share of an epoch that is drawn from it (0..1).
        per_epoch: Clips drawn for an epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str = ""
    layout: str = ""
    kept: int = 0
    train: int = 0
    valid: int = 0
    seconds: float = 0.0
    kinds: dict[str, dict[str, int]] = Field(default_factory=dict)
    share: float = 0.0
    per_epoch: int = 0


class CheckFindings(Record):
    """The whole of ``findings.json``.

    Format 0 had English and Chinese sentences side by side, and reasons of quarantined clips in English alone.

    Attributes:
        layout: How clips and texts belong together.
        kept: Clips of the user's own that can be used.
        train: Those that are trained on.
        valid: Those that are held out.
        quarantined: Reason by id of each clip left out.
        split_kind: How the split came about.
        seconds: Length of all that are kept.
        notes: What was decided for the user.
        replay: What there is of the replay set, where the recipe names one.
        findings: Everything the checks found, what left a clip out among it.
    """

    FORMAT: ClassVar[int] = 1

    layout: str = ""
    kept: int = 0
    train: int = 0
    valid: int = 0
    quarantined: dict[str, Said] = Field(default_factory=dict)
    split_kind: str = ""
    seconds: float = 0.0
    notes: tuple[Said, ...] = ()
    replay: ReplayCounts | None = None
    findings: tuple[Finding, ...] = ()

    @classmethod
    def migrate(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Pairs of sentences become messages that keep both languages."""
        findings = [_from_pairs(finding) for finding in data.get("findings", ())]
        errors = {(f["clip"], str(f["message"])): f["message"] for f in findings if f.get("level") == "error"}
        quarantined = {clip: errors.get((clip, why), why) for clip, why in data.get("quarantined", {}).items()}
        return {**data, "findings": findings, "quarantined": quarantined}

    def summary(self) -> dict[str, Any]:
        """All but the single findings, for the stage's own record."""
        return self.model_dump(mode="json", exclude={"findings"}, exclude_none=True)

    def errors_left(self) -> list[Finding]:
        """Errors that no quarantine has settled."""
        return [f for f in self.findings if f.level == "error" and f.clip not in self.quarantined]


def _from_pairs(finding: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in finding.items() if not name.endswith("_zh")}
    names = ("message", "remedy")
    return {**rest, **{name: Message.fixed(rest.get(name, ""), finding.get(f"{name}_zh", "")) for name in names}}
