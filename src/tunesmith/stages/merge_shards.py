"""Shares that several processes have done become what one process would have made, byte for byte."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunesmith.data.cache import DamagedEntryError, EncodedStore
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.records.unfit_clips import UnfitClips
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.encode_clips import Outcome
from tunesmith.stages.inputs import stage_inputs
from tunesmith.stages.kept_facts import join_facts
from tunesmith.stages.pipeline import is_done, run_stages
from tunesmith.stages.replay import join
from tunesmith.stages.shards import UNFIT, Share, Stage, key_of, other_counts, refuse_unchecked, shards_of
from tunesmith.stages.survey import read_clips
from tunesmith.stages.writing import writing
from tunesmith.texts import msg
from tunesmith.training.start import fingerprint

_NAMED = 8
"""Shares, or keys of a recipe, that are named."""


def merge_shards(context: RunContext) -> int:
    """Join all shares of checking, then of encoding, as far as there are any, and do what concerns all clips.

    Returns:
        The exit code: 0.

    Raises:
        TunesmithError: when shares are missing or not done, or are of another recipe or of other clips.
    """
    stages: tuple[Stage, ...] = ("check", "encode")
    found = [stage for stage in stages if shards_of(context.folder, stage)]
    if not found:
        return _nothing_to_merge(context)
    with writing(context.folder, context.command, context.console):
        for stage in found:
            if stage == "encode":
                refuse_unchecked(context)
            shards = whole_set(context, stage)
            if stage == "check":
                join_facts(join(*read_clips(context)).samples, list(shards.values()), context.folder)
                run_stages(context, [stage])
            else:
                run_stages(context.with_encoded(EncodedShards(context, list(shards.values()))), [stage])
            context.console.log(msg("{stage}: {count} shares are merged", stage=stage, count=len(shards)))
            for folder in shards.values():
                shutil.rmtree(folder.path)
        if not any(context.folder.shards.iterdir()):
            context.folder.shards.rmdir()
    return 0


def whole_set(context: RunContext, stage: Stage) -> dict[Share, RunFolder]:
    """Every share of a stage, all of them done on what the stage depends on now.

    Raises:
        TunesmithError: naming the shares that are not.
    """
    shards, where = shards_of(context.folder, stage), context.folder.shards
    counts = sorted({share.count for share in shards})
    if len(counts) > 1:
        raise other_counts(where, stage, counts)
    states = {share: folder.stage_state(stage) for share, folder in shards.items()}
    done = {share: state for share, state in states.items() if state is not None and state.status == "done"}
    wanted = [Share(counts[0], number) for number in range(1, counts[0] + 1)]
    if missing := [share for share in wanted if share not in done]:
        raise TunesmithError(
            msg(
                "{missing} of {count} shares of {stage} are not done: {shares}",
                missing=len(missing),
                count=counts[0],
                stage=stage,
                shares=_first([str(share) for share in missing]),
            ),
            where=str(where),
            remedy=msg(
                "Run `tunesmith {stage} {run} --shard {share}`, and so the others, or wait until they have ended.",
                stage=stage,
                run=str(context.folder.path),
                share=str(missing[0]),
            ),
        )
    inputs = stage_inputs(context, stage)
    if others := {share: state for share, state in done.items() if state.fingerprint != fingerprint(inputs)}:
        names = {name for state in others.values() for name in differing(state.inputs or {}, inputs)}
        raise TunesmithError(
            msg(
                "{count} shares of {stage} are of another recipe or of other clips ({names}): {shares}",
                count=len(others),
                stage=stage,
                names=_first(sorted(names)),
                shares=_first([str(share) for share in others]),
            ),
            where=str(where),
            remedy=msg("Give merge-cache the same KEY=VALUE words as the shares had, or do these shares again."),
        )
    return shards


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Names of inputs that differ."""
    return (
        name
        for name in (*now, *(before.keys() - now.keys()))
        if fingerprint({name: before.get(name)}) != fingerprint({name: now.get(name)})
    )


class EncodedShards:
    """What all shares hold of the encoded clips, each searched in turn.

    Args:
        context: The run.
        shards: Their folders.
    """

    def __init__(self, context: RunContext, shards: Sequence[RunFolder]) -> None:
        fields = context.family.encoding.fields()
        self._stores = [EncodedStore(folder.cache, fields) for folder in shards]
        self._errors = {
            (clip.id, clip.key): clip.error()
            for folder in shards
            for clip in UnfitClips.read(folder.path / UNFIT).clips
        }
        self._last = 0

    def outcome(self, sample: Sample, keys: Mapping[str, str], fields: Sequence[str]) -> Outcome | None:
        """What was encoded of a sample, or why it cannot be; ``None`` where a share has lost it.

        Arrays are views into the files of a share.
        """
        if not fields:
            return {}
        if error := self._errors.get((sample.id, key_of(keys))):
            return error
        for step in range(len(self._stores)):  # the next sample lies in the next share
            place = (self._last + 1 + step) % len(self._stores)
            stores = self._stores[place].fields
            rows = {name: stores[name].row(keys[name]) for name in fields}
            if min(rows.values()) >= 0:
                self._last = place
                try:
                    return {name: stores[name].read(row) for name, row in rows.items()}
                except DamagedEntryError:
                    continue
        return None


def _nothing_to_merge(context: RunContext) -> int:
    if is_done(context, "check", stage_inputs(context, "check")):
        context.console.log(msg("there are no shares to merge; what was merged before stays as it is"))
        return 0
    run = str(context.folder.path)
    raise TunesmithError(
        msg("there are no shares to merge"),
        where=run,
        remedy=msg("Run `tunesmith check {run} --shard 1/2` and `--shard 2/2` first.", run=run),
    )


def _first(names: Sequence[str]) -> tuple[str, ...]:
    return (*names[:_NAMED], *(["…"] if len(names) > _NAMED else []))
