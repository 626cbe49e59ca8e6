"""A transformer of a few thousand parameters with random weights, and inputs of mixed lengths for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tunesmith.families.ace_step.config import LyricEncoderConfig, TransformerConfig
from tunesmith.families.ace_step.parts.transformer import AceStepTransformer, Conditions

TINY = TransformerConfig(
    num_layers=3,
    inner_dim=32,
    attention_head_dim=8,
    num_attention_heads=4,
    speaker_embedding_dim=6,
    text_embedding_dim=10,
    lyric_encoder_vocab_size=50,
    lyric_hidden_size=16,
    ssl_encoder_depths=(1, 1),
    ssl_latent_dims=(7, 5),
    lyric_encoder=LyricEncoderConfig(output_size=16, attention_heads=2, linear_units=24, num_blocks=2),
)


def random_transformer(config: TransformerConfig = TINY, *, seed: int = 0, **options) -> AceStepTransformer:
    """Every parameter drawn, also those that begin at zero or one, so that none can hide a mistake."""
    generator = torch.Generator().manual_seed(seed)
    transformer = AceStepTransformer(config, **options)
    with torch.no_grad():
        for parameter in transformer.parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 16
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / fan_in**0.5)
    return transformer.eval()


@dataclass
class Inputs:
    """A batch; ``frames``, ``text`` and ``lyrics`` are the true lengths, padding holds noise."""

    latents: torch.Tensor
    time: torch.Tensor
    text: torch.Tensor
    speaker: torch.Tensor
    ids: torch.Tensor
    frames: tuple[int, ...]
    text_lengths: tuple[int, ...]
    lyric_lengths: tuple[int, ...]

    def masks(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of frames, text and lyrics."""
        return _mask(self.frames), _mask(self.text_lengths), _mask(self.lyric_lengths)

    def single(self, item: int) -> Inputs:
        """One item, cut to its true lengths; no lyrics leave one masked token, as in a batch."""
        n, t, w = self.frames[item], self.text_lengths[item], self.lyric_lengths[item]
        one = slice(item, item + 1)
        return Inputs(
            latents=self.latents[one, ..., :n],
            time=self.time[one],
            text=self.text[one, :t],
            speaker=self.speaker[one],
            ids=self.ids[one, : max(1, w)],
            frames=(n,),
            text_lengths=(t,),
            lyric_lengths=(w,),
        )

    def encode(self, transformer: AceStepTransformer, **options) -> Conditions:
        _, text_mask, lyric_mask = self.masks()
        return transformer.encode(self.text, text_mask, self.speaker, self.ids, lyric_mask, **options)


def random_inputs(
    frames: tuple[int, ...],
    text: tuple[int, ...],
    lyrics: tuple[int, ...],
    config: TransformerConfig = TINY,
    *,
    seed: int = 1,
) -> Inputs:
    generator = torch.Generator().manual_seed(seed)

    def randn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    items = len(frames)
    return Inputs(
        latents=randn(items, config.in_channels, config.max_height, max(frames)),
        time=torch.rand(items, generator=generator) * 1000,
        text=randn(items, max(text), config.text_embedding_dim),
        speaker=randn(items, config.speaker_embedding_dim),
        ids=torch.randint(config.lyric_encoder_vocab_size, (items, max(1, *lyrics)), generator=generator),
        frames=frames,
        text_lengths=text,
        lyric_lengths=lyrics,
    )


def _mask(lengths: tuple[int, ...]) -> torch.Tensor:
    return (torch.arange(max(1, *lengths)) < torch.tensor(lengths)[:, None]).float()
