"""How much is generated after training where nobody has said: no more than a share of the training time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tunesmith.planning.times import generation_seconds, training_seconds
from tunesmith.planning.work import Work
from tunesmith.recipe.models import Recipe
from tunesmith.texts import Message, in_turn, msg

OUTPUT_SHARE = 0.25
"""Of the training time, for ``generate`` and for ``evaluate`` each; over that a first look costs more than the run."""
FEWEST = {"generate": 2, "evaluate": 4}
SHORTEST = 5.0
"""Under so many seconds, and so few clips, nothing can be told from them."""


def outputs_within(work: Work, given: Collection[str], kind: str) -> tuple[Recipe, dict[str, Message]]:
    """A recipe whose ``generate`` and ``evaluate`` take no more than their share, as far as they may be cut.

    Args:
        work: What the run has to compute.
        given: Keys that the user has set (``generate.seconds``), which stay.
        kind: The device that it is estimated for.

    Returns:
        The recipe, and for every section that was cut what is said of it.
    """
    limit, said = OUTPUT_SHARE * training_seconds(work, kind), {}
    recipe = work.recipe
    for name in FEWEST:
        cut = _cut(replace(work, recipe=recipe), name, given, kind, limit)
        before, after = getattr(recipe, name), getattr(cut, name)
        if (before.count, before.seconds) != (after.count, after.seconds):
            said[name] = msg(
                "{stage}: {count} clips of {seconds:g} s instead of {all} of {whole:g} s, so that it takes about a "
                "quarter of the training time at most; set {stage}.count and {stage}.seconds for others",
                stage=name,
                count=after.count,
                seconds=after.seconds,
                all=before.count,
                whole=before.seconds,
            )
        recipe = cut
    fewer = _fewer_strengths(replace(work, recipe=recipe), given, kind, limit)
    if fewer != recipe.evaluate.strength_prompts:
        cut_strengths = msg(
            "evaluate: {count} prompts at further strengths instead of {all}; set evaluate.strength_prompts for others",
            count=fewer,
            all=recipe.evaluate.strength_prompts,
        )
        said["evaluate"] = in_turn([said["evaluate"], cut_strengths]) if "evaluate" in said else cut_strengths
        evaluate = recipe.evaluate.model_copy(update={"strength_prompts": fewer})
        recipe = recipe.model_copy(update={"evaluate": evaluate})
    return recipe, said


def _fewer_strengths(work: Work, given: Collection[str], kind: str, limit: float) -> int:
    """Prompts at further strengths that fit beside base and adapter; at least one, since they cost no prompts there."""
    count = work.recipe.evaluate.strength_prompts
    if "evaluate.strength_prompts" in given:
        return count
    left = limit - generation_seconds(work, work.audio["evaluate"], kind)
    while count > 1 and generation_seconds(work, replace(work.audio["strengths"], clips=count), kind) > left:
        count -= 1
    return count


def _cut(work: Work, name: str, given: Collection[str], kind: str, limit: float) -> Recipe:
    """The recipe with shorter clips in one section, and then fewer, until they fit."""
    section = getattr(work.recipe, name)
    while generation_seconds(work, work.audio[name], kind) > limit:
        if f"{name}.seconds" not in given and section.seconds > SHORTEST:
            shorter = max(SHORTEST, float(round(0.8 * section.seconds)))
            section = section.model_copy(update={"seconds": shorter})
        elif f"{name}.count" not in given and section.count > FEWEST[name] and not section.prompts:
            section = section.model_copy(update={"count": section.count - 1})
        else:
            break
        work = replace(work, recipe=work.recipe.model_copy(update={name: section}))
    return work.recipe
