"""Prompts in the pocket model's own range: what it was pretrained on, to hear whether an adapter forgets it."""

from __future__ import annotations

from tunesmith.pocket.synth import BASE_STYLES, render

FIRST_SEED = 500_000  # beyond every seed of the pretraining corpus


def base_prompts(count: int = 8) -> list[str]:
    """``count`` different captions, going round the base styles."""
    captions: dict[str, None] = {}
    number = 0
    while len(captions) < count:
        style = BASE_STYLES[number % len(BASE_STYLES)]
        captions.setdefault(render(style, 0.5, FIRST_SEED + number).caption)
        number += 1
    return list(captions)
