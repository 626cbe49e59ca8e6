"""What a rule is, what it reads and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tunesmith.evaluation.reference_stats import OUTLYING_Z, Reference
from tunesmith.evaluation.signals import Signals
from tunesmith.records.record import without_nan
from tunesmith.records.run_finding import Severity
from tunesmith.texts import Message, msg

Profile = Literal["music", "speech"]


@dataclass(frozen=True)
class Context:
    """What a rule may know beside the clip.

    Attributes:
        want_seconds: The length that was asked for; ``None`` when any length is right.
        profile: Speech breaks rules that hold for music.
        reference: The person's own clips, when there are any.
    """

    want_seconds: float | None = None
    profile: Profile = "music"
    reference: Reference | None = None

    def z(self, signals: Signals, **signs: int) -> float | None:
        """The worst robust deviation from the reference among the named signals (value: +1 if higher is worse)."""
        if self.reference is None:
            return None
        found = [self.reference.z(name, getattr(signals, name), sign) for name, sign in signs.items()]
        known = [z for z in found if z is not None]
        return max(known) if known else None


@dataclass(frozen=True)
class Reading:
    """What a rule saw: the deciding number, its limit, and the sentence that holds both.

    ``absolute`` tells whether the fixed limit was passed; ``z`` is the deviation from the reference, when known.
    """

    number: float
    limit: float
    unit: str
    sentence: Message
    absolute: bool = True
    z: float | None = None


Detector = Callable[[Signals, Context], Reading | None]
"""Looks for one fault in the signals of a clip; ``None`` when it is not there."""


def by_signals(detect: Callable[[Signals], Reading | None]) -> Detector:
    """The detector of a rule that needs nothing beside the clip's own signals."""
    return lambda signals, _: detect(signals)


@dataclass(frozen=True)
class Verdict:
    """One rule broken by one clip, ready to print.

    Attributes:
        rule: The rule's name.
        severity: ``broken`` (not usable as audio), ``flaw`` (usable, audibly wrong) or ``note``.
        title: The fault in two or three words.
        number: The deciding measurement, in ``unit``.
        limit: What it was compared with.
        unit: Unit of both.
        sentence: The finding, with the number in it.
        remedy: What to do next.
        absolute: Whether the fixed limit was passed (else only the reference's).
        z: Robust deviations from the person's own clips; ``None`` without a reference.
    """

    rule: str
    severity: Severity
    title: Message
    number: float
    limit: float
    unit: str
    sentence: Message
    remedy: Message
    absolute: bool
    z: float | None

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary; a number that could not be measured is ``None``."""
        messages = {name: getattr(self, name).to_json() for name in ("title", "sentence", "remedy")}
        record: dict[str, Any] = without_nan(asdict(self) | messages)
        return record


@dataclass(frozen=True)
class Rule:
    """One way in which generated audio fails.

    Attributes:
        name: As in findings; the file's name.
        severity: See :class:`Verdict`.
        title: See :class:`Verdict`.
        remedy: How to find out more, where nothing that was measured tells why.
        detect: Looks for the fault in the signals; ``None`` when it is not there.
        profiles: Where the rule holds.
        speech_remedy: The remedy in speech, where it is another.
        checks: Checks of the data that find the same in a clip.
    """

    name: str
    severity: Severity
    title: Message
    remedy: Message
    detect: Detector
    profiles: tuple[Profile, ...] = ("music", "speech")
    speech_remedy: Message | None = None
    checks: tuple[str, ...] = ()

    def advice(self, profile: Profile) -> Message:
        """The remedy in music or in speech."""
        return self.speech_remedy if profile == "speech" and self.speech_remedy else self.remedy

    def check(self, signals: Signals, context: Context) -> Verdict | None:
        """Holds one clip against this rule.

        Args:
            signals: From :func:`tunesmith.evaluation.signals.measure`.
            context: What was asked for, and the person's own clips.

        Returns:
            The verdict, or ``None`` when the clip passes, the rule does not hold for this profile, or the person's own
            clips break it just as much.
        """
        if context.profile not in self.profiles:
            return None
        reading = self.detect(signals, context)
        if reading is None:
            return None
        outlying = reading.z is not None and reading.z > OUTLYING_Z
        excused = context.reference is not None and self.name in context.reference.common
        if not outlying and (excused or not reading.absolute):
            return None
        return Verdict(
            rule=self.name,
            severity=self.severity,
            title=self.title,
            number=float(reading.number),
            limit=reading.limit,
            unit=reading.unit,
            sentence=_with_deviation(reading),
            remedy=self.advice(context.profile),
            absolute=reading.absolute,
            z=reading.z,
        )


def _with_deviation(reading: Reading) -> Message:
    if reading.z is None:
        return reading.sentence
    return msg(
        "{sentence} Against your own clips: {z:.1f} robust deviations (limit {limit}).",
        sentence=reading.sentence,
        z=reading.z,
        limit=OUTLYING_Z,
    )
