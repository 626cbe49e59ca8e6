"""A stand-in for the transformer whose velocity is a formula, and requests for it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from tunesmith.families.ace_step.config import TransformerConfig
from tunesmith.families.ace_step.parts.transformer import Conditions
from tunesmith.families.ace_step.sampler.request import LatentRequest, SongPrompt
from tunesmith.families.ace_step.sampler.sample import sample
from tunesmith.families.ace_step.settings import AceStepSettings

CPU = torch.device("cpu")
CONFIG = TransformerConfig(in_channels=2, max_height=3, speaker_embedding_dim=4, text_embedding_dim=5)
SHAPE = (CONFIG.in_channels, CONFIG.max_height)

Field = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""From latents (B, C, H, T), level (B, 1, 1, 1) and mean of the tags (B, 1, 1, 1) to velocity."""


class Toy(nn.Module):
    """Writes down what it is asked."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.config, self.field = CONFIG, field
        self.encoded: list[dict[str, torch.Tensor | float]] = []
        self.latents: list[torch.Tensor] = []
        self.levels: list[float] = []
        self.query_scales: list[torch.Tensor | None] = []

    def encode(self, text, text_mask, speaker, ids, lyric_mask, *, packed=True, lyric_query_scale=1.0):
        self.encoded.append({"text": text, "ids": ids, "lyric_mask": lyric_mask, "scale": lyric_query_scale})
        return Conditions(text, text_mask, text_mask.cumsum(1) - 1)

    def decode(self, latents, time, conditions, frame_mask=None, *, taps=(), query_scale_B=None):
        assert len(latents) == len(time) == len(conditions.states)
        self.latents.append(latents)
        self.levels.append(time[0].item() / 1000)
        self.query_scales.append(query_scale_B)
        return self.field(latents, (time / 1000).view(-1, 1, 1, 1), conditions.states.mean((1, 2)).view(-1, 1, 1, 1))

    @property
    def rows(self) -> list[int]:
        """Items in every pass."""
        return [len(x) for x in self.latents]


def still(x, level, tags):
    """No velocity: latents stay as they began."""
    return torch.zeros_like(x)


def noise(seed: int, frames: int, skip: int = 0) -> torch.Tensor:
    """The item's own noise (C, H, frames), after ``skip`` earlier draws."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(skip + 1):
        drawn = torch.randn(*SHAPE, frames, generator=generator)
    return drawn


def prompt(seed: int = 0, tags: int = 4, lyrics: int = 3) -> SongPrompt:
    generator = torch.Generator().manual_seed(seed)
    text, weak = torch.randn(2, tags, CONFIG.text_embedding_dim, generator=generator)
    return SongPrompt(text, torch.randint(1, 40, (lyrics,), generator=generator), weak)


def ask(*, seed: int = 7, frames: int = 10, lyrics: int = 3, **options) -> LatentRequest:
    """A request; anything that is a field of it is set, the rest are options (plain ones where not given)."""
    fields = {key: options.pop(key) for key in list(options) if key in LatentRequest.__dataclass_fields__}
    plain = {"guidance": 1.0, "omega": 0.0, "steps": 12, "erg_tag": False, "erg_diffusion": False}
    settings = AceStepSettings.model_validate({**plain, **options})
    fields = {"prompt": prompt(lyrics=lyrics), "frames": frames, **fields}
    return LatentRequest(seed=seed, settings=settings, **fields)


def run(field: Field, request: LatentRequest) -> tuple[torch.Tensor, Toy]:
    """The result, and the toy with its notes."""
    toy = Toy(field)
    (made,) = sample(toy, [request], CPU)
    return made, toy
