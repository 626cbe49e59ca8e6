"""What the model will not read of the prompts that a run generates with."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.data.characters import shown
from tunesmith.data.prompt import Prompt
from tunesmith.data.sample import Sample
from tunesmith.run.context import RunContext
from tunesmith.texts import msg

_SHOWN = 40


def warn_of_texts(context: RunContext, prompts: Sequence[Prompt]) -> None:
    """Say once of every prompt what the family finds in its texts: that it is cut, tags it does not know."""
    for texts in {tuple(sorted(prompt.texts.items())): prompt.texts for prompt in prompts}.values():
        caption = shown(texts["caption"])
        name = caption if len(caption) <= _SHOWN else f"{caption[:_SHOWN]}…"
        for finding in context.family.checks.text_findings(Sample(name, {}, texts)):
            context.console.warn(msg("prompt “{prompt}”: {said}", prompt=name, said=finding.with_remedy()))
