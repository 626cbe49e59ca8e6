"""Training samples of the flow: a prompt and a target after it, as codes and mel, and what is random in their loss.

Shape legend: B items, T tokens (25 Hz), F mel frames (50 Hz), C mel channels, E speaker vector.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch

from tools.pocket.step_audio.corpus import SpeechClip, SpeechCorpus
from tools.pocket.step_audio.edits import EDITS
from tools.pocket.step_audio.samples import SORTED
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.tokens import flow_tokens, pack

DROPPED, KNOWN_PROMPT = 0.2, 0.8
"""Shares: of the items without any condition (for guidance), and of those whose prompt's mel is known."""
_EDITED = 0.4


@dataclass(frozen=True)
class Scene:
    """Prompt and target of one item, end to end.

    Attributes:
        tokens: (T, 2), of both.
        mel: (F, C), of both.
        speaker: (E,), of the prompt.
        known: Frames of the prompt.
    """

    tokens: torch.Tensor
    mel: torch.Tensor
    speaker: torch.Tensor
    known: int


@dataclass(frozen=True)
class Canvas:
    """A batch: tokens (B, T, 2), their numbers (B,), mel (B, F, C), speakers (B, E), frames of the prompts (B,)."""

    tokens: torch.Tensor
    lengths: torch.Tensor
    mel: torch.Tensor
    speaker: torch.Tensor
    known: torch.Tensor


@dataclass(frozen=True)
class FlowDraws:
    """Times (B,), noise (B, F, C), whether an item keeps its conditions (B,) and whether its prompt is known (B,)."""

    time: torch.Tensor
    noise: torch.Tensor
    kept: torch.Tensor
    prompted: torch.Tensor


class Scenes:
    """Draws pairs of clips that have a spectrogram.

    Args:
        corpus: Clips and their edits.
        ids: The ids of the model.
    """

    def __init__(self, corpus: SpeechCorpus, ids: TokenIds) -> None:
        self.ids = ids
        self.pairs = [pair for pair in zip(corpus.plain, corpus.other, strict=True) if pair[0].mel is not None]
        self._alike: dict[tuple[str, int], list[SpeechClip]] = defaultdict(list)
        for clip in (clip for pair in self.pairs for clip in pair):
            self._alike[clip.voice, clip.edit].append(clip)
        self._kinds = list(self._alike)

    def draw(self, rng: np.random.Generator) -> Scene:
        """An edit, or two clips of a speaker in the same manner."""
        if rng.random() < _EDITED:
            return self.edit(*self.pairs[int(rng.integers(len(self.pairs)))])
        clips = self._alike[self._kinds[int(rng.integers(len(self._kinds)))]]
        prompt, target = (clips[int(index)] for index in rng.integers(len(clips), size=2))
        return self.scene(prompt, target)

    def edit(self, plain: SpeechClip, other: SpeechClip) -> Scene:
        """An edit pair: the source is the prompt, as it is at inference."""
        return self.scene(*((other, plain) if EDITS[other.edit].spoilt else (plain, other)))

    def scene(self, prompt: SpeechClip, target: SpeechClip) -> Scene:
        """The two one after the other."""
        assert prompt.mel is not None and prompt.speaker is not None and target.mel is not None
        codes = [code for clip in (prompt, target) for code in pack(clip.vq02.numpy(), clip.vq06.numpy(), self.ids)]
        mel = torch.cat([prompt.mel, target.mel], dim=1).T.float()
        tokens = torch.from_numpy(flow_tokens(codes, self.ids))
        return Scene(tokens, mel, prompt.speaker.float(), prompt.mel.shape[1])


def batch(scenes: Scenes, rows: int, seed: int, number: int) -> tuple[Canvas, FlowDraws]:
    """Batch ``number`` with its draws."""
    rng = ItemRng(seed, number // SORTED, "flow").generator("scenes")
    drawn = sorted((scenes.draw(rng) for _ in range(rows * SORTED)), key=lambda scene: len(scene.tokens))
    position = ItemRng(seed, number // SORTED, "flow").generator("order").permutation(SORTED)[number % SORTED]
    canvas = collate(drawn[position * rows : (position + 1) * rows])
    return canvas, flow_draws(canvas, ItemRng(seed, number, "flow").seed_of("noise"))


def collate(scenes: list[Scene]) -> Canvas:
    """Items padded at the right with zeros."""
    pad = torch.nn.utils.rnn.pad_sequence
    return Canvas(
        pad([scene.tokens for scene in scenes], batch_first=True),
        torch.tensor([len(scene.tokens) for scene in scenes]),
        pad([scene.mel for scene in scenes], batch_first=True),
        torch.stack([scene.speaker for scene in scenes]),
        torch.tensor([scene.known for scene in scenes]),
    )


def flow_draws(canvas: Canvas, seed: int) -> FlowDraws:
    """What is random in the loss of a batch."""
    generator = torch.Generator().manual_seed(seed)
    rows = len(canvas.mel)
    time, kept, prompted = (torch.rand(rows, generator=generator) for _ in range(3))
    noise = torch.randn(canvas.mel.shape, generator=generator)
    return FlowDraws(time, noise, kept > DROPPED, prompted < KNOWN_PROMPT)
