"""The signals that are compared pair by pair between base and adapter."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class Watched:
    """A signal worth comparing: title, unit, least change that matters, bad direction (0: neither), and where."""

    field: str
    title: Message
    unit: str
    least: float
    bad: int
    profiles: tuple[Profile, ...] = ("music", "speech")


WATCHED: tuple[Watched, ...] = (
    Watched("lufs", msg("Loudness"), "LUFS", 2.0, 0),
    Watched("fade_slope", msg("Rise or fall of loudness"), "dB/s", 0.3, -1, ("music",)),
    Watched("dead_tail_s", msg("Emptiness at the end"), "s", 1.0, 1),
    Watched("flat_white", msg("Hiss (music about 0.25, noise 0.56)"), "", 0.08, 1),
    Watched("loop_sim", msg("Order (how much comes back)"), "", 0.1, -1, ("music",)),
    Watched("pulse", msg("Clarity of the beat"), "", 0.15, -1, ("music",)),
    Watched("clip_frac", msg("Clipped share"), "", 0.001, 1),
    Watched("mos", msg("How good it sounds, 1 to 5"), "", 0.2, -1, ("speech",)),
)


def watched_in(profile: Profile) -> list[Watched]:
    """Those that say something in music or in speech."""
    return [watched for watched in WATCHED if profile in watched.profiles]
