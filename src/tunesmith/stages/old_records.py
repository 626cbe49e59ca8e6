"""Stages that were done before their inputs were written down: what they were done with, as far as it can be told."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from tunesmith.data.mapped_manifest import map_manifest
from tunesmith.errors import TunesmithError
from tunesmith.files import copy_file
from tunesmith.recipe.load import load_recipe
from tunesmith.records.stage_state import StageState
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES
from tunesmith.stages.encode import write_clip_index
from tunesmith.stages.inputs import stage_inputs
from tunesmith.training.start import fingerprint


def record_inputs_of_old(context: RunContext) -> None:
    """Give stages without recorded inputs those of the recipe that the run was last resolved to.

    A stage whose files have been touched since is left as it is, and done again. Call it before the resolved recipe is
    written anew.
    """
    folder = context.folder
    old = [state for name in STAGES if (state := folder.stage_state(name)) and state.inputs is None]
    if not old or not folder.resolved.exists():
        return
    try:
        before = context.with_recipe(load_recipe(folder.resolved))
    except TunesmithError:  # of a version whose keys are unknown now; the stages are done again
        return
    keep_clips(before)
    for state in old:
        if state.stage != "train" and touched_since(before, folder.stage(state.stage)):
            continue
        inputs = stage_inputs(before, state.stage)
        update = {"inputs": inputs, "fingerprint": fingerprint(inputs)}
        StageState.model_validate({**state.model_dump(), **update}).write(folder.stage(state.stage))
        if state.stage == "train":
            keep_trained_on(context)


def keep_clips(context: RunContext) -> None:
    """The content of the clips, where they are all still there."""
    folder = context.folder
    if folder.manifest.exists() and not folder.clip_index.exists():
        with suppress(TunesmithError):
            write_clip_index(context, map_manifest(folder.manifest))


def keep_trained_on(context: RunContext) -> None:
    """What an older version's training was made from, as far as the folder still has it."""
    folder = context.folder
    for path in (folder.resolved, folder.environment, folder.manifest, folder.findings, folder.clip_index):
        if path.exists() and not (folder.trained_on / path.name).exists():
            copy_file(path, folder.trained_on / path.name)


def touched_since(context: RunContext, record: Path) -> bool:
    """Whether a file among the clips is newer than a stage's record."""
    clips = context.recipe.data.place
    files = [clips] if clips.is_file() else clips.rglob("*")
    written = record.stat().st_mtime_ns
    return any(path.stat().st_mtime_ns > written for path in files if path.is_file())
