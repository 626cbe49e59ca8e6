"""What a rule is, what it reads and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tunesmith.evaluation.reference_stats import Deviation, Reference
from tunesmith.evaluation.signal_names import SIGNALS
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
        whole: Whole songs were asked for, which end as songs do.
    """

    want_seconds: float | None = None
    profile: Profile = "music"
    reference: Reference | None = None
    whole: bool = False

    def off(self, signals: Signals, **signs: int) -> Deviation | None:
        """The worst deviation from the reference among the named signals (value: +1 if higher is worse)."""
        if self.reference is None:
            return None
        found = [self.reference.deviation(name, getattr(signals, name), sign) for name, sign in signs.items()]
        return max((each for each in found if each is not None), key=lambda each: each.z, default=None)


_UNLIKE = msg("Unlike your own clips")


@dataclass(frozen=True)
class Reading:
    """What a rule saw: the deciding number, its limit, and the sentence that holds both.

    ``absolute`` tells whether the fixed limit was passed; ``off`` is the deviation from the reference, when known, and
    ``unlike`` what is heard where only the reference's limit was passed.
    """

    number: float
    limit: float
    unit: str
    sentence: Message
    absolute: bool = True
    off: Deviation | None = None
    unlike: Message = _UNLIKE


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
        z: How many of the own clips' usual spreads it is off, in its bad direction; ``None`` without a reference.
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
        outlying = reading.off is not None and reading.off.beyond
        excused = context.reference is not None and self.name in context.reference.common
        if not outlying and (excused or not reading.absolute):
            return None
        return Verdict(
            rule=self.name,
            severity=self.severity,
            title=self.title,
            **_said(reading),
            remedy=self.advice(context.profile),
            absolute=reading.absolute,
            z=reading.off.z if reading.off else None,
        )


def _said(reading: Reading) -> dict[str, Any]:
    """Number, limit, unit and sentence: of the fixed limit where it was passed, else of the reference's."""
    off = reading.off
    if off is None:
        return {
            "number": float(reading.number),
            "limit": reading.limit,
            "unit": reading.unit,
            "sentence": reading.sentence,
        }
    signal, unit = SIGNALS[off.signal]
    values = {
        "signal": signal,
        "value": off.value,
        "median": off.median,
        "spread": off.spread,
        "unit": f" {unit}" if unit else "",
    }
    if not reading.absolute:
        sentence = msg(
            "{unlike}: {signal} {value:.3g}{unit} (limit {limit:.3g}); yours have {median:.3g}, give or take "
            "{spread:.2g}.",
            unlike=reading.unlike,
            limit=off.limit,
            **values,
        )
        return {"number": off.value, "limit": off.limit, "unit": unit, "sentence": sentence}
    sentence = msg(
        "{sentence} Your own clips: {signal} {median:.3g}{unit}, give or take {spread:.2g}; this one has {value:.3g}.",
        sentence=reading.sentence,
        **values,
    )
    return {"number": float(reading.number), "limit": reading.limit, "unit": reading.unit, "sentence": sentence}
