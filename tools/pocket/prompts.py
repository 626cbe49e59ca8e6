"""Prompts in the range of the pocket models of music: to hear whether an adapter forgets it."""

from __future__ import annotations

from tunesmith.pocket.synth import BASE_STYLES, render

FIRST_SEED = 500_000  # beyond every seed of the pretraining corpora
HELD_OUT_SEED = 1_000_000  # seeds from here on are never trained on


def base_prompts(count: int = 8) -> list[str]:
    """``count`` different captions, going round the base styles."""
    captions: dict[str, None] = {}
    number = 0
    while len(captions) < count:
        style = BASE_STYLES[number % len(BASE_STYLES)]
        captions.setdefault(render(style, 0.5, FIRST_SEED + number).caption)
        number += 1
    return list(captions)
