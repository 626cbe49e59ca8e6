"""The plan of a run whose clips were checked: what it takes, before anything is spent."""

from __future__ import annotations

from tunesmith.data.replay import Mix, mix_of
from tunesmith.data.sample import Sample, read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.planning.planner import estimate
from tunesmith.records.plan import RunPlan
from tunesmith.run.base_card import card_for_planning
from tunesmith.run.context import RunContext
from tunesmith.texts import msg


def make_plan(context: RunContext) -> RunPlan:
    """The plan of a run whose clips were checked.

    Raises:
        TunesmithError: when the base model's sizes cannot be known.
    """
    samples = list(read_manifest(context.folder.manifest)) if context.folder.manifest.exists() else []
    mix = planned_mix(context)
    lengths = [sample.seconds for sample in samples] or [0.0]
    known = card_for_planning(context.recipe)
    if known is None:
        raise TunesmithError(
            msg("the sizes of this model are not known here"),
            where=context.recipe.model.path,
            remedy=msg("Download it, or give a local folder."),
        )
    card, local = known
    per_pass = mix.per_epoch if mix else None
    total, longest = sum(lengths), max(lengths)
    return estimate(context.recipe, card, total, len(samples), longest=longest, per_pass=per_pass, local=local)


def planned_mix(context: RunContext) -> Mix | None:
    """How replay clips are mixed in; ``None`` without any."""
    return (
        mix_of(training_samples(context), context.recipe.data.replay_share)
        if context.folder.manifest.exists()
        else None
    )


def training_samples(context: RunContext) -> list[Sample]:
    """The samples of a run that was checked that are trained on."""
    return [s for s in read_manifest(context.folder.manifest) if s.split == "train"]
