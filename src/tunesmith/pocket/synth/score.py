"""What a style writes on: a stereo canvas with a tempo and a key."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tunesmith.pocket.synth.sounds import Wave

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MINOR = (0, 2, 3, 5, 7, 8, 10)
MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR_PENTATONIC = (0, 3, 5, 7, 10)


@dataclass(frozen=True)
class Rendered:
    """One synthesised clip and everything known about it, since nothing here had to be guessed.

    Attributes:
        audio: float32, (samples, 2), peak at most 0.9.
        caption: A description in words, as a person might write it.
        bpm: Beats per minute.
        key: Root and mode, for instance ``A minor``.
        style: One of the names that :func:`tunesmith.pocket.synth.render` accepts.
    """

    audio: npt.NDArray[np.float32]
    caption: str
    bpm: float
    key: str
    style: str
    sample_rate: int


@dataclass
class Score:
    """A canvas of ``seconds`` at ``rate``; sounds are added at beats, panned, and mixed at the end."""

    seconds: float
    rate: int
    bpm: float
    rng: np.random.Generator
    canvas: npt.NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.canvas = np.zeros((round(self.seconds * self.rate), 2))

    @property
    def beats(self) -> float:
        """Length of the canvas in beats."""
        return self.seconds * self.bpm / 60.0

    def span(self, beats: float) -> float:
        """Seconds that ``beats`` take."""
        return beats * 60.0 / self.bpm

    def add(self, sound: Wave, beat: float, level: float = 1.0, pan: float = 0.0) -> None:
        """Mix ``sound`` in at ``beat`` (may be negative: its start is cut off), ``pan`` from -1 to 1."""
        first = round(self.span(beat) * self.rate)
        sound, first = (sound[-first:], 0) if first < 0 else (sound, first)
        sound = sound[: max(0, len(self.canvas) - first)]
        if len(sound):
            gains = level * np.sqrt([1.0 - pan, 1.0 + pan])
            self.canvas[first : first + len(sound)] += sound[:, None] * gains

    def finish(self, drive: float, peak: float) -> npt.NDArray[np.float32]:
        """The mix through a soft limiter that ends at ``peak``."""
        return np.asarray(peak * np.tanh(drive * self.canvas), dtype=np.float32)


def tempo(ticks: float) -> float:
    """Beats per minute at which a sixteenth note lasts ``ticks`` eightieths of a second.

    The pocket codec makes 80 frames per second. On this grid a repeated hit falls on a frame in the same way each
    time and gets the same codes, which lets a very small model learn a rhythm that it would otherwise find random.
    """
    return 15.0 * 80.0 / float(ticks)


def drum_kit(rng: np.random.Generator) -> np.random.Generator:
    """The noise of one of four drum kits: as with a sample pack, many pieces share the same recorded hits."""
    return np.random.default_rng(int(rng.integers(4)))


def scale_note(root: int, scale: tuple[int, ...], degree: int) -> int:
    """MIDI note of a scale degree that may run over several octaves."""
    return root + 12 * (degree // len(scale)) + scale[degree % len(scale)]
