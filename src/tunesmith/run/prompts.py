"""Which prompts a run generates with, and where each comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Literal

from tunesmith.data.sample import Sample, read_manifest
from tunesmith.run.context import RunContext

Kind = Literal["user", "held_out", "built_in", "base_style"]


@dataclass(frozen=True)
class Prompt:
    """A prompt, its origin, and the clip whose caption it is, if any."""

    text: str
    kind: Kind
    sample: Sample | None = None


def choose_prompts(context: RunContext, asked: Sequence[str], count: int) -> list[Prompt]:
    """The user's prompts; else held-out captions, repeated with new seeds up to ``count``; else built-in ones."""
    if asked:
        return [Prompt(text, "user") for text in asked]
    held_out: dict[str, Sample] = {}
    if context.folder.manifest.exists():
        for sample in read_manifest(context.folder.manifest):
            if sample.split == "valid" and sample.texts.get("caption"):
                held_out.setdefault(sample.texts["caption"], sample)
    if held_out:
        return [Prompt(text, "held_out", sample) for text, sample in islice(cycle(held_out.items()), count)]
    return [Prompt(text, "built_in") for text in context.family.base_prompts()[:count]]
