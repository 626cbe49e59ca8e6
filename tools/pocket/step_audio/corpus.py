"""What both networks learn from: clips of the base voices with their codes, each beside one edit of it.

Shape legend: L codes of vq02, S codes of vq06, M mel bins, F frames, E speaker vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tools.pocket.progress import Advance
from tools.pocket.step_audio.edits import EDITS, Edit, other_side
from tools.pocket.step_audio.espeak import BASE_VOICES, EspeakVoice, Wave, speak
from tools.pocket.step_audio.sentences import draw_sentence
from tools.pocket.workplace import keep
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.step_audio.config import SAMPLE_RATE
from tunesmith.families.step_audio.parts.trim import prepare_voice
from tunesmith.families.step_audio.small import SmallConfig
from tunesmith.families.step_audio.small.codes import SmallCodes, padded_mel
from tunesmith.families.step_audio.small.speaker import SmallSpeaker

FIT_CLIPS = 480
"""Clips (and as many edits of them) that the tokenisers are fitted to."""
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Spoken:
    """One drawn sentence in a voice, and its other side in an edit; waves at 24 kHz."""

    text: str
    voice: EspeakVoice
    edit: Edit
    plain: Wave
    other: Wave


@dataclass
class SpeechClip:
    """What is kept of one wave.

    Attributes:
        text: What is said.
        voice: Name of the speaker.
        edit: Which of :data:`EDITS` it is the other side of; -1 for a plain clip.
        vq02, vq06: Codes, (L,) and (S,) int16.
        mel: (M, F) float16; only the first clips have it.
        speaker: (E,) float16; likewise.
    """

    text: str
    voice: str
    edit: int
    vq02: torch.Tensor
    vq06: torch.Tensor
    mel: torch.Tensor | None = None
    speaker: torch.Tensor | None = None


@dataclass
class SpeechCorpus:
    """Plain clips, and at the same places their other sides."""

    plain: list[SpeechClip]
    other: list[SpeechClip]


def prepared(wave: Wave) -> Wave:
    """The wave as the family prepares every recording: its silence trimmed, its peak 0.6 at most."""
    return np.asarray(prepare_voice(torch.from_numpy(wave), SAMPLE_RATE).wave_24k.numpy())


def spoken(number: int, seed: int, held_out: bool = False, voices: tuple[EspeakVoice, ...] = BASE_VOICES) -> Spoken:
    """Clip ``number``: voices take turns, and within a voice the edits."""
    rng = ItemRng(seed, number, "held out" if held_out else "speech").generator("sentence")
    voice, which = voices[number % len(voices)], number // len(voices) % len(EDITS)
    text = draw_sentence(rng, held_out)
    plain = speak(text, voice)
    return Spoken(text, voice, EDITS[which], plain, other_side(EDITS[which], text, voice, plain, rng))


def all_spoken(first: int, count: int, seed: int, held_out: bool = False) -> Iterator[Spoken]:
    """Clips ``first`` to ``first + count``; two at a time are synthesised."""
    with ThreadPoolExecutor(2) as pool:
        for start in range(first, first + count, 64):
            numbers = range(start, min(start + 64, first + count))
            yield from pool.map(lambda number: spoken(number, seed, held_out), numbers)


def make_corpus(
    tensors: Tensors, config: SmallConfig, count: int, with_mel: int, seed: int, advance: Advance,
    held_out: bool = False,
) -> SpeechCorpus:  # fmt: skip
    """Synthesise ``count`` clips with their edits and keep codes of all, spectrograms of the first ``with_mel``."""
    encoder, speaker = SmallCodes(tensors, config), SmallSpeaker(tensors, config)
    corpus = SpeechCorpus([], [])
    for pair in all_spoken(0, count, seed, held_out):
        which = EDITS.index(pair.edit)
        for wave, edit, into in ((pair.plain, -1, corpus.plain), (pair.other, which, corpus.other)):
            mel = padded_mel(prepared(wave), config)
            clip = SpeechClip(
                pair.text, pair.voice.name, edit, *(torch.from_numpy(c).short() for c in encoder.of_mel(mel))
            )
            if len(into) < with_mel:
                clip.mel, clip.speaker = mel.half(), torch.from_numpy(speaker.of_mel(mel)).half()
            into.append(clip)
        if len(corpus.plain) % 64 == 0:
            advance(len(corpus.plain) / count, f"{len(corpus.plain)} sentences")
    return corpus


def save_corpus(corpus: SpeechCorpus, path: Path) -> None:
    """Keep it in one file of tensors and plain values."""
    keep({side: [vars(clip) for clip in getattr(corpus, side)] for side in ("plain", "other")}, path)


def load_corpus(path: Path) -> SpeechCorpus:
    """Read it back."""
    stored = torch.load(path, weights_only=True)
    return SpeechCorpus(
        [SpeechClip(**clip) for clip in stored["plain"]], [SpeechClip(**clip) for clip in stored["other"]]
    )
