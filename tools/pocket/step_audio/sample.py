"""Speaks with a pocket checkpoint's parts, as the family's own code does: for measuring, and to choose what ships.

Shape legend: N samples, C mel bins, F frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tools.pocket.step_audio.assemble import SpeechParts
from tools.pocket.step_audio.corpus import prepared
from tools.pocket.step_audio.espeak import Wave
from tunesmith.families.step_audio.config import GROUP, GROUP_SECONDS
from tunesmith.families.step_audio.parts.cfm import inference
from tunesmith.families.step_audio.parts.decode import generate
from tunesmith.families.step_audio.prompts import SPEAKER, clone_prompt, edit_prompt
from tunesmith.families.step_audio.small.codes import SmallCodes, padded_mel
from tunesmith.families.step_audio.small.speaker import SmallSpeaker
from tunesmith.families.step_audio.small.vocoder import SmallVocoder
from tunesmith.families.step_audio.text_tokenizer import TextTokenizer
from tunesmith.families.step_audio.tokens import flow_tokens, pack

LONGEST_SECONDS = 4.0
ROWS = 16


@dataclass(frozen=True)
class SpokenResult:
    """A clip as the model takes it: its wave (N,), mel (C, F), LLM ids and speaker vector."""

    text: str
    wave: Wave
    mel: torch.Tensor
    ids: list[int]
    speaker: torch.Tensor


class Player:
    """Both networks with their front ends.

    Args:
        parts: In eval mode.
        text: The tokeniser of ``parts`` as the family reads it.
    """

    def __init__(self, parts: SpeechParts, text: TextTokenizer) -> None:
        self.parts, self.text = parts, text
        self._codes = SmallCodes(parts.tensors, parts.config)
        self._speaker = SmallSpeaker(parts.tensors, parts.config)
        self._vocoder = SmallVocoder(parts.config)

    def hear(self, text: str, wave: Wave) -> SpokenResult:
        """Encode a clip at 24 kHz, trimmed as the family does."""
        wave = prepared(wave)
        mel = padded_mel(wave, self.parts.config)
        speaker = torch.from_numpy(self._speaker.of_mel(mel))
        return SpokenResult(text, wave, mel, pack(*self._codes.of_mel(mel), self.parts.ids), speaker)

    def cloned(self, prompts: Sequence[SpokenResult], texts: Sequence[str], seed: int = 0) -> list[list[int]]:
        """LLM ids of each text in the voice of its prompt."""
        prompt_ids = [
            clone_prompt(
                self.text, prompt_text=prompt.text, prompt_ids=prompt.ids, target_text=text, speaker=SPEAKER,
                style="current", ids=self.parts.ids,
            )
            for prompt, text in zip(prompts, texts, strict=True)
        ]  # fmt: skip
        return self._answers(prompt_ids, seed)

    def edited(self, sources: Sequence[SpokenResult], kind: str, info: str, seed: int = 0) -> list[list[int]]:
        """LLM ids of each source after an edit."""
        prompt_ids = [
            edit_prompt(
                self.text, edit_type=kind, edit_info=info or None, source_text=source.text, source_ids=source.ids,
                target_text=None, style="current", ids=self.parts.ids,
            )
            for source in sources
        ]  # fmt: skip
        return self._answers(prompt_ids, seed)

    def paint(self, prompt: SpokenResult, ids: Sequence[int], seed: int = 0) -> torch.Tensor:
        """Mel (C, F) of LLM ids after a prompt."""
        before, after = (torch.from_numpy(flow_tokens(list(part), self.parts.ids))[None] for part in (prompt.ids, ids))
        frames = self.parts.flow.config.encoder.up_stride * (before.shape[1] + after.shape[1])
        noise = torch.randn(1, len(prompt.mel), frames, generator=torch.Generator().manual_seed(seed))
        flow = self.parts.flow
        mel = inference(
            flow, before, after, prompt.mel.T[None], prompt.speaker[None], noise, cfg=flow.config.inference_cfg_rate
        )
        return mel[0].T

    def wave(self, mel_CF: torch.Tensor) -> Wave:
        """Audio (N,) of a mel."""
        return np.asarray(self._vocoder.wave(mel_CF).numpy(), np.float32)

    def speak(self, prompt: SpokenResult, ids: Sequence[int], seed: int = 0) -> Wave:
        """Audio (N,) of LLM ids after a prompt."""
        return self.wave(self.paint(prompt, ids, seed))

    def _answers(self, prompt_ids: list[list[int]], seed: int) -> list[list[int]]:
        longest = round(LONGEST_SECONDS / GROUP_SECONDS) * GROUP
        answers = []
        for first in range(0, len(prompt_ids), ROWS):
            rows = prompt_ids[first : first + ROWS]
            seeds = range(1000 * seed + first, 1000 * seed + first + len(rows))
            answers += generate(self.parts.language, rows, ids=self.parts.ids, seeds=seeds, max_new=longest)
        return answers
