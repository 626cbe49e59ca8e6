"""What a run will take, from the survey of its clips; and its recipe with outputs that suit how long it trains."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tunesmith.data.mapped_manifest import map_manifest
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.contract.card import ModelCard
from tunesmith.planning.clips import planned_clips
from tunesmith.planning.outputs import outputs_within
from tunesmith.planning.planner import estimate, kinds_of
from tunesmith.planning.work import Work, work_of
from tunesmith.records.plan import RunPlan
from tunesmith.run.base_card import card_for_planning
from tunesmith.run.context import RunContext
from tunesmith.texts import Message, msg


def make_plan(context: RunContext, samples: Sequence[Sample] | None = None, *, processes: int | None = None) -> RunPlan:
    """The plan of a run whose clips were checked, with the outputs that it will have.

    Args:
        context: The run.
        samples: Its clips; those of its manifest by default.
        processes: How many processes will train; those of this launch by default.

    Raises:
        TunesmithError: when the base model's sizes cannot be known.
    """
    known = card_for_planning(context.recipe, context.family)
    if known is None:
        raise TunesmithError(
            msg("the sizes of this model are not known here"),
            where=context.recipe.model.path,
            remedy=msg("Download it, or give a local folder."),
        )
    card, local = known
    samples = samples_of(context) if samples is None else samples
    work = work_for(context, card, samples, processes)
    recipe, _ = outputs_within(work, given(context), device_kind(context))
    return estimate(
        recipe, card, work.clips, processes=work.processes, phases=context.family.networks.phases(), local=local
    )


def work_for(context: RunContext, card: ModelCard, samples: Sequence[Sample], processes: int | None = None) -> Work:
    """What there is to compute for a run."""
    clips = planned_clips(samples, context.recipe.data.replay_share)
    here = int(os.environ.get("WORLD_SIZE", "1"))
    return work_of(context.recipe, card, clips, processes or here, context.family.networks.phases())


def samples_of(context: RunContext) -> Sequence[Sample]:
    """The clips of a run's manifest; none before it was checked."""
    return map_manifest(context.folder.manifest) if context.folder.manifest.exists() else []


def given(context: RunContext) -> frozenset[str]:
    """Keys that the user has set; where nobody knows, everything that may be cut otherwise."""
    if context.given is not None:
        return context.given
    sections = (f"{section}.{key}" for section in ("generate", "evaluate") for key in ("seconds", "count"))
    return frozenset({*sections, "evaluate.strength_prompts"})


def device_kind(context: RunContext) -> str:
    """The kind of device that the run will be on."""
    from tunesmith.run.device import pick_device

    kinds = kinds_of(context.recipe)
    if len(kinds) == 1:
        return kinds[0]
    return "CPU" if pick_device(context.recipe.model.device) == "cpu" else "GPU"


def with_bounded_outputs(context: RunContext, stage: str) -> RunContext:
    """The run with as much to generate in a stage as suits how long it trains, and a line of what was cut."""
    bounded, said = bounded_outputs(context, samples_of(context))
    if stage in said:
        context.console.log(said[stage])
    return context.with_recipe(bounded.recipe)


def bounded_outputs(context: RunContext, samples: Sequence[Sample]) -> tuple[RunContext, dict[str, Message]]:
    """The run with outputs that take no more than their share of the training time, and what was cut by section."""
    known = card_for_planning(context.recipe, context.family)
    if known is None or not samples:
        return context, {}
    recipe, said = outputs_within(work_for(context, known[0], samples), given(context), device_kind(context))
    return context.with_recipe(recipe), said
