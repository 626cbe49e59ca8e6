"""Training samples of the language model: prompts of the family, half of them clones, half of them edits.

Shape legend: B rows, T ids.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch

from tools.pocket.step_audio.corpus import SpeechClip, SpeechCorpus
from tools.pocket.step_audio.edits import EDITS, SPEED, STYLE
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.prompts import SPEAKER, clone_prompt, edit_prompt
from tunesmith.families.step_audio.text_tokenizer import TextTokenizer
from tunesmith.families.step_audio.tokens import pack

EDIT_SHARE = 0.5
STYLED_SHARE = 0.15
"""Of the clones, those whose prompt and target are both fast, slow, whispered or loud."""
PROMPT_WEIGHT = 0.3
"""Of the loss on audio in the prompt, where its text stands before it; a fine-tuning has none there."""
FULL_STOP_SHARE = 0.25
SORTED = 8
"""Batches whose rows are drawn together and sorted by length, so that little is padding."""


@dataclass(frozen=True)
class TrainingLine:
    """Ids of prompt and answer, and the weight of the loss of each (0 for the prompt's text)."""

    ids: list[int]
    weights: list[float]


class Samples:
    """Draws samples from the corpus.

    Args:
        corpus: Clips and their edits.
        text: The text tokeniser.
        ids: The ids of the model.
    """

    def __init__(self, corpus: SpeechCorpus, text: TextTokenizer, ids: TokenIds) -> None:
        self.corpus, self.text, self.ids = corpus, text, ids
        self._alike: dict[tuple[str, int], list[SpeechClip]] = defaultdict(list)
        for clip in (*corpus.plain, *corpus.other):
            if clip.edit < 0 or EDITS[clip.edit].kind in (SPEED, STYLE):
                self._alike[clip.voice, clip.edit].append(clip)
        self._places: dict[int, list[int]] = defaultdict(list)
        for index, clip in enumerate(corpus.other):
            self._places[clip.edit].append(index)
        # Three times those whose instruction does not say the text: they are the hardest.
        self._turns = [edit for edit in self._places for _ in range(3 if EDITS[edit].spoilt else 1)]
        self._plain = [key for key in self._alike if key[1] < 0]
        self._styled = [key for key in self._alike if key[1] >= 0]

    def draw(self, rng: np.random.Generator) -> TrainingLine:
        """A clone or an edit."""
        if rng.random() < EDIT_SHARE:
            places = self._places[self._turns[int(rng.integers(len(self._turns)))]]
            index = places[int(rng.integers(len(places)))]
            return self.edit(self.corpus.plain[index], self.corpus.other[index])
        styled = self._styled and rng.random() < STYLED_SHARE
        kinds = self._styled if styled else self._plain
        clips = self._alike[kinds[int(rng.integers(len(kinds)))]]
        prompt, target = (clips[int(index)] for index in rng.integers(len(clips), size=2))
        stops = "." if rng.random() < FULL_STOP_SHARE else ""
        return self.clone(prompt, target, stops)

    def clone(self, prompt: SpeechClip, target: SpeechClip, stop: str = "") -> TrainingLine:
        """The target's text in the voice of the prompt."""
        prompt_ids = clone_prompt(
            self.text, prompt_text=prompt.text + stop, prompt_ids=self.audio(prompt), target_text=target.text + stop,
            speaker=SPEAKER, style="current", ids=self.ids,
        )  # fmt: skip
        return self._sample(prompt_ids, target, PROMPT_WEIGHT)

    def edit(self, plain: SpeechClip, other: SpeechClip) -> TrainingLine:
        """An edit pair in its direction."""
        edit = EDITS[other.edit]
        source, target = (other, plain) if edit.spoilt else (plain, other)
        prompt_ids = edit_prompt(
            self.text, edit_type=edit.kind, edit_info=edit.info or None, source_text=source.text,
            source_ids=self.audio(source), target_text=None, style="current", ids=self.ids,
        )  # fmt: skip
        return self._sample(prompt_ids, target, 0.0 if edit.spoilt else PROMPT_WEIGHT)

    def audio(self, clip: SpeechClip) -> list[int]:
        """LLM ids of a clip."""
        return pack(clip.vq02.numpy(), clip.vq06.numpy(), self.ids)

    def _sample(self, prompt_ids: list[int], target: SpeechClip, weight: float) -> TrainingLine:
        answer = [*self.audio(target), self.ids.eot]
        weights = [weight if token >= self.ids.audio_base else 0.0 for token in prompt_ids]
        return TrainingLine(prompt_ids + answer, weights + [1.0] * len(answer))


def batch(samples: Samples, rows: int, seed: int, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Batch ``number``: ids (B, T), padded at the right, and the weights of their losses (B, T)."""
    rng = ItemRng(seed, number // SORTED, "speech").generator("samples")
    drawn = sorted((samples.draw(rng) for _ in range(rows * SORTED)), key=lambda sample: len(sample.ids))
    position = ItemRng(seed, number // SORTED, "speech").generator("order").permutation(SORTED)[number % SORTED]
    return collate(drawn[position * rows : (position + 1) * rows])


def collate(samples: list[TrainingLine]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (B, T) and weights (B, T) of samples, padded at the right with id 0 of weight 0."""
    length = max(len(sample.ids) for sample in samples)
    ids = torch.zeros(len(samples), length, dtype=torch.long)
    weights = torch.zeros(len(samples), length)
    for row, sample in enumerate(samples):
        ids[row, : len(sample.ids)] = torch.tensor(sample.ids)
        weights[row, : len(sample.ids)] = torch.tensor(sample.weights)
    return ids, weights
