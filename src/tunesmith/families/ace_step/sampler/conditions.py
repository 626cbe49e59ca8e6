"""Conditional, null and only-tags conditions of a batch of prompts, encoded once per run.

Shapes: B items, L tag tokens, D width of their states, N lyric tokens, S speaker features, R rows (branches * items).

Source: ACE-Step's ``pipeline_ace_step.py``; weakened attention is "Entropy Rectifying Guidance" (Ifriqi et al. 2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.utils.rnn import pad_sequence

from tunesmith.families.ace_step.parts.transformer import Conditions
from tunesmith.families.ace_step.sampler.request import SongPrompt, is_double, is_guided, uses_weak_tags
from tunesmith.families.ace_step.settings import AceStepSettings

if TYPE_CHECKING:
    from tunesmith.families.ace_step.parts.transformer import AceStepTransformer

WEAK = 0.01
"""Factor on weakened queries."""


@dataclass(frozen=True)
class Branches:
    """Conditions for the passes of one call, all of one width.

    Attributes:
        cond: Of B items, for calls outside the guided window.
        guided: Of R rows: conditional, null and, under double guidance, only tags; ``None`` without guidance.
        query_scale: (R,) factor on the queries of the middle blocks, or ``None``.
        count: Branches in ``guided``.
    """

    cond: Conditions
    guided: Conditions | None
    query_scale: torch.Tensor | None
    count: int


def encode_branches(
    transformer: AceStepTransformer, prompts: Sequence[SongPrompt], settings: AceStepSettings, device: torch.device
) -> Branches:
    """Encode what a run over ``prompts`` needs.

    The null condition is that of training: tags zeroed with their mask kept, lyrics zeroed and masked out. Upstream
    samples with the conditional lyric mask instead; so does ``compat: upstream``, except for edit.
    """
    batch = _Batch(transformer, prompts, device)
    cond = batch.encode(batch.text, lyrics="real")
    if not is_guided(settings):
        return Branches(cond, None, None, 1)
    shown = settings.compat == "upstream" and settings.task != "edit"
    lyrics = "weak" if settings.erg_lyric else "zero" if shown else "none"
    weak = [prompt.text_weak for prompt in prompts if prompt.text_weak is not None]
    tags = batch.padded(weak) if uses_weak_tags(settings) else torch.zeros_like(batch.text)
    rows = [cond, batch.encode(tags, lyrics)]
    if is_double(settings):
        rows.append(batch.encode(batch.text, lyrics))
    scale = torch.ones(len(rows), len(prompts), device=device)
    scale[1] = WEAK
    return Branches(cond, _stacked(rows), scale.flatten() if settings.erg_diffusion else None, len(rows))


class _Batch:
    """Padded prompts on a device."""

    def __init__(self, transformer: AceStepTransformer, prompts: Sequence[SongPrompt], device: torch.device) -> None:
        self.transformer, self.device = transformer, device
        self.text = self.padded([prompt.text for prompt in prompts])
        self.text_mask = self._mask([len(prompt.text) for prompt in prompts], self.text.shape[1])
        # An instrumental has no lyric token: one masked token stands in, since no width may be 0.
        width = max(1, *(len(prompt.lyric_ids) for prompt in prompts))
        self.lyric_ids = torch.zeros(len(prompts), width, dtype=torch.long, device=device)
        for row, prompt in zip(self.lyric_ids, prompts, strict=True):
            row[: len(prompt.lyric_ids)] = prompt.lyric_ids
        self.lyric_mask = self._mask([len(prompt.lyric_ids) for prompt in prompts], width)

        self.speaker = torch.zeros(len(prompts), transformer.config.speaker_embedding_dim, device=device)
        for row, prompt in zip(self.speaker, prompts, strict=True):
            if prompt.speaker is not None:
                row.copy_(prompt.speaker)

    def padded(self, states: list[torch.Tensor]) -> torch.Tensor:
        """(B, L, D) fp32 from states of any length."""
        return pad_sequence([s.float() for s in states], batch_first=True).to(self.device)

    def encode(self, text: torch.Tensor, lyrics: str) -> Conditions:
        """Lyrics ``real``, ``weak`` (attention), ``zero`` (tokens, in their places) or ``none`` (masked out).

        The speaker vector goes with the ``real`` ones alone: what guidance leads away from has none, as upstream.
        """
        real = lyrics in ("real", "weak")
        speaker = self.speaker if lyrics == "real" else torch.zeros_like(self.speaker)
        return self.transformer.encode(
            text,
            self.text_mask,
            speaker,
            self.lyric_ids if real else torch.zeros_like(self.lyric_ids),
            torch.zeros_like(self.lyric_mask) if lyrics == "none" else self.lyric_mask,
            lyric_query_scale=WEAK if lyrics == "weak" else 1.0,
        )

    def _mask(self, lengths: list[int], width: int) -> torch.Tensor:
        return (torch.arange(width)[None] < torch.tensor(lengths)[:, None]).float().to(self.device)


def _stacked(rows: list[Conditions]) -> Conditions:
    return Conditions(
        torch.cat([row.states for row in rows]),
        torch.cat([row.mask for row in rows]),
        torch.cat([row.positions for row in rows]),
    )
