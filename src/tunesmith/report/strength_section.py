"""A few prompts at several strengths of the adapter: a slider that switches between them, and losses beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunesmith.records.comparison import ComparedPrompt, ComparedSide
from tunesmith.records.loss_probes import LossProbes, ScaleLoss
from tunesmith.report.audio_section import AudioSection, Flag, PlayerRow, flags_of
from tunesmith.report.gather import ReportData
from tunesmith.report.media import MediaClip
from tunesmith.report.numbers import UNKNOWN, loss, number, real
from tunesmith.texts import NOTHING, Message, msg

_NAMES = {0.5: "½", 1.5: "1½"}
_SILENT_LUFS, _MOST_DB = -60.0, 20.0


@dataclass(frozen=True)
class StrengthSound:
    """A prompt at one strength.

    Attributes:
        name: The strength as it is written.
        clip: Its player; ``None`` where it stands in the section of all prompts.
        above: The element that holds its player there.
        what: What stands there.
        flags: What is wrong with it.
        loss: Held-out loss at this strength.
        volume: What its player's volume is turned to, so that all of a prompt are equally loud; 1 for the quietest.
    """

    name: str
    clip: MediaClip | None
    above: str
    what: Message
    flags: tuple[Flag, ...]
    loss: str
    volume: str


@dataclass(frozen=True)
class StrengthPrompt:
    """One prompt; ``start`` is the sound that is shown first."""

    prompt: str
    sounds: tuple[StrengthSound, ...]
    start: int


@dataclass(frozen=True)
class StrengthSection:
    """What the section shows: prompts, and a table of numbers by strength."""

    rows: tuple[StrengthPrompt, ...]
    names: tuple[str, ...]
    numbers: tuple[tuple[Message, tuple[str | Message, ...]], ...]


@dataclass(frozen=True)
class _Heard:
    """A strength of a prompt: what was measured, and where it is played."""

    scale: float
    side: ComparedSide
    clip: MediaClip | None
    above: str = ""
    what: Message = NOTHING


def strength_section(data: ReportData, audio: AudioSection) -> StrengthSection | None:
    """The section; ``None`` where no prompt was made at further strengths."""
    if data.comparison is None:
        return None
    pairs = zip(data.comparison.prompts, audio.rows, strict=False)  # further rows are of no prompt of the comparison
    heard = [(prompt, _heard(prompt, row, place)) for place, (prompt, row) in enumerate(pairs) if prompt.strengths]
    if not heard:
        return None
    probes = data.comparison.losses.probes if data.comparison.losses else None
    rows = tuple(_row(prompt.prompt, sounds, probes) for prompt, sounds in heard)
    scales = sorted({sound.scale for _, sounds in heard for sound in sounds})
    everything = [sound for _, sounds in heard for sound in sounds]
    return StrengthSection(rows, tuple(name_of(scale) for scale in scales), _numbers(scales, everything, probes))


def name_of(scale: float) -> str:
    """A strength as it is written."""
    return _NAMES.get(scale, number(scale))


def _heard(prompt: ComparedPrompt, row: PlayerRow, place: int) -> list[_Heard]:
    above = [f"sound-{place}-{side}" for side in range(2)]
    base, adapter = row.sides[:2]
    sounds = [_Heard(0.0, prompt.base, base.clip, above[0], msg("the base model"))] if prompt.base else []
    sounds.append(_Heard(1.0, prompt.lora, adapter.clip, above[1], msg("the adapter as it was trained")))
    sounds = [replace(sound, above=sound.above if _plays(sound.clip) else "", clip=None) for sound in sounds]
    further = zip(prompt.strengths, row.strengths, strict=True)
    sounds += [_Heard(one.scale, one.output, clip) for one, clip in further]
    return sorted(sounds, key=lambda sound: sound.scale)


def _plays(clip: MediaClip | None) -> bool:
    return clip is not None and clip.problem is None


def _row(prompt: str, sounds: Sequence[_Heard], probes: LossProbes | None) -> StrengthPrompt:
    volumes = _volumes([real(sound.side.signals.get("lufs")) for sound in sounds])
    made = tuple(
        StrengthSound(
            name=name_of(sound.scale),
            clip=sound.clip,
            above=sound.above,
            what=sound.what,
            flags=flags_of(sound.side.verdicts),
            loss=loss(_at(probes.scales if probes else (), sound.scale)),
            volume=f"{volume:.3f}",
        )
        for sound, volume in zip(sounds, volumes, strict=True)
    )
    return StrengthPrompt(prompt, made, [sound.scale for sound in sounds].index(1.0))


def _volumes(loudness: Sequence[float | None]) -> list[float]:
    """Volumes that bring sounds to the loudness of the quietest; what is silent stays as it is."""
    known = [value for value in loudness if value is not None and value > _SILENT_LUFS]
    quietest = min(known, default=0.0)
    return [
        10 ** (max(quietest - value, -_MOST_DB) / 20) if value is not None and value > _SILENT_LUFS else 1.0
        for value in loudness
    ]


def _numbers(
    scales: Sequence[float], sounds: Sequence[_Heard], probes: LossProbes | None
) -> tuple[tuple[Message, tuple[str | Message, ...]], ...]:
    """Rows of the table that have something to show."""
    held_out = msg("Held-out loss") if probes and probes.held_out else msg("Loss on training clips")
    losses = tuple(loss(_at(probes.scales if probes else (), scale)) for scale in scales)
    style = tuple(loss(_at(probes.base_style if probes else (), scale)) for scale in scales)
    faults = tuple(_faults([sound for sound in sounds if sound.scale == scale]) for scale in scales)
    rows: list[tuple[Message, tuple[str | Message, ...]]] = [
        (held_out, losses),
        (msg("Loss on styles outside your clips"), style),
        (msg("These outputs with faults"), faults),
    ]
    return tuple((title, cells) for title, cells in rows if any(cell != UNKNOWN for cell in cells))


def _faults(sounds: Sequence[_Heard]) -> Message:
    return msg("{flagged} of {outputs}", flagged=sum(bool(s.side.verdicts) for s in sounds), outputs=len(sounds))


def _at(losses: Sequence[ScaleLoss], scale: float) -> float | None:
    return next((one.loss for one in losses if one.scale == scale), None)
