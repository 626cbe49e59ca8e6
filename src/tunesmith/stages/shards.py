"""A share of checking or encoding, done by one of several processes that see the same run folder.

Each writes into a folder of its own below ``shards/``, laid out like a run; ``merge-cache`` joins them. Nothing else of
the run is written, so that no process waits for another. What is kept is found by the content of clips, so that a share
that was stopped goes on where it was.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from tunesmith.data.cache import EncodedStore
from tunesmith.data.content import content_key
from tunesmith.data.mapped_manifest import map_manifest
from tunesmith.data.remote import is_copied, is_remote
from tunesmith.errors import TunesmithError
from tunesmith.records.stage_state import StageState
from tunesmith.records.unfit_clips import UnfitClip, UnfitClips
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.encode import Unfit, fill_store, variants_of
from tunesmith.stages.encode_clips import Work
from tunesmith.stages.inputs import stage_inputs
from tunesmith.stages.kept_facts import join_facts
from tunesmith.stages.pipeline import is_done, say_skipped
from tunesmith.stages.replay import join
from tunesmith.stages.survey import examine, read_clips
from tunesmith.stages.writing import writing
from tunesmith.texts import msg
from tunesmith.training.start import fingerprint

Stage = Literal["check", "encode"]
"""What can be done in shares."""
UNFIT = "unfit.json"
_SHARE = re.compile(r"([0-9]{1,5})/([0-9]{1,5})")
_NAME = re.compile(r"(check|encode)-(\d+)-of-(\d+)")
ItemT = TypeVar("ItemT")


@dataclass(frozen=True, order=True)
class Share:
    """The ``number``-th of ``count`` shares, counted from 1."""

    count: int
    number: int

    @classmethod
    def parsed(cls, text: str) -> Share:
        """A share as it is typed: ``3/16``.

        Raises:
            TunesmithError: for anything else.
        """
        found = _SHARE.fullmatch(text)
        share = cls(int(found[2]), int(found[1])) if found else None
        if share is None or not 1 <= share.number <= share.count:
            raise TunesmithError(
                msg("`{text}` names no share of the clips", text=text[:80]),
                where="--shard",
                remedy=msg("Write 3/16 for the third of sixteen; shares are counted from 1."),
            )
        return share

    def of(self, items: Sequence[ItemT]) -> list[ItemT]:
        """Every ``count``-th item, so that long and short clips are spread evenly."""
        return [items[place] for place in range(self.number - 1, len(items), self.count)]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def shard_folder(run: RunFolder, stage: Stage, share: Share) -> RunFolder:
    """Where a share is kept."""
    return RunFolder(run.shards / f"{stage}-{share.number:05d}-of-{share.count:05d}")


def shards_of(run: RunFolder, stage: Stage) -> dict[Share, RunFolder]:
    """All shares of a stage that were begun, in order."""
    found = {}
    for path in run.shards.glob(f"{stage}-*-of-*"):
        if (name := _NAME.fullmatch(path.name)) and path.is_dir():
            found[Share(int(name[3]), int(name[2]))] = RunFolder(path)
    return dict(sorted(found.items()))


def do_share(context: RunContext, stage: Stage, share: Share, *, force: bool = False) -> int:
    """Do one share of a stage; what it made of it before is kept.

    Args:
        context: The run.
        stage: What is done.
        share: Which part of it.
        force: Do it again although it is done.

    Returns:
        The exit code: 0.

    Raises:
        TunesmithError: when another process does this share, what the stage builds on is not done, or the clips cannot
            be read.
    """
    refuse_not_copied(context)
    if stage == "encode":
        refuse_unchecked(context)
    inputs = stage_inputs(context, stage)
    if not force and is_done(context, stage, inputs) and _is_whole(context, stage):
        say_skipped(context, stage)
        return 0
    _refuse_other_counts(context, stage, share)
    folder = shard_folder(context.folder, stage, share).create()
    own = context.working_in(folder, Console(context.console.terminal, folder.log, quiet=context.console.quiet))
    with writing(folder, context.command, own.console):
        state = folder.stage_state(stage)
        if not force and state is not None and (state.status, state.fingerprint) == ("done", fingerprint(inputs)):
            own.console.log(msg("{stage}: share {share} is done already", stage=stage, share=str(share)), style="dim")
            return 0
        if force:
            for path in (folder.facts.parent, folder.cache):
                shutil.rmtree(path, ignore_errors=True)
        _work_on(context, own, stage, share, inputs)
    return 0


def _work_on(context: RunContext, own: RunContext, stage: Stage, share: Share, inputs: dict[str, Any]) -> None:
    """Do a share in its own folder, which is held, and write down that it is done."""
    path, run = own.folder.stage(stage), context.folder.path
    state = StageState(
        stage=stage,
        fingerprint=fingerprint(inputs),
        status="running",
        command=f"tunesmith {stage} {run} --shard {share}",
        inputs=inputs,
    )
    state.write(path)
    begun = time.monotonic()
    clips = check_share(context, own, share) if stage == "check" else encode_share(context, own, share)
    seconds = round(time.monotonic() - begun, 1)
    state.model_copy(update={"status": "done", "seconds": seconds, "summary": {"clips": clips}}).write(path)
    own.console.log(
        msg(
            "{stage}: share {share} is done, {clips} clips in {seconds:.1f} s; after the last one: "
            "tunesmith merge-cache {run}",
            stage=stage,
            share=str(share),
            clips=clips,
            seconds=seconds,
            run=str(run),
        )
    )


def check_share(context: RunContext, own: RunContext, share: Share) -> int:
    """Measure, and of speech hear, a share of the clips; what the checks say of so few is of no interest."""
    clips = join(*read_clips(own))
    mine = share.of(clips.samples)
    join_facts(mine, [context.folder], own.folder)
    if mine:
        examine(own, replace(clips, samples=mine, problems=[]))
    return len(mine)


def encode_share(context: RunContext, own: RunContext, share: Share) -> int:
    """Encode what neither the run's cache nor the share's own holds of a share of the clips."""
    encoding = context.family.encoding
    merged, store = (EncodedStore(each.folder.cache, encoding.fields()) for each in (context, own))
    store.discard(store.damaged())
    samples, work = share.of(map_manifest(context.folder.manifest)), list[Work]()
    for sample in variants_of(samples):
        keys = {spec.name: encoding.field_key(sample, spec.name) for spec in encoding.fields()}
        missing = [name for name in store.missing(keys) if keys[name] not in merged.fields[name]]
        if missing:
            work.append((sample, keys, missing))
    unfit: Unfit = []
    if work:
        fill_store(own, store, work, unfit, alone=False)
    keys_of = {id(sample): keys for sample, keys, _ in work}
    clips = tuple(UnfitClip.of(sample.id, key_of(keys_of[id(sample)]), error) for sample, error in unfit)
    UnfitClips(clips=clips).write(own.folder.path / UNFIT)
    return len(samples)


def key_of(keys: Any) -> str:
    """One key of all that a sample is encoded from."""
    return content_key(*keys.values())


def refuse_unchecked(context: RunContext) -> None:
    """Encoding in shares builds on a manifest that no share may write.

    Raises:
        TunesmithError: when the clips are not checked as they are now.
    """
    if is_done(context, "check", stage_inputs(context, "check")) and context.folder.manifest.exists():
        return
    run = str(context.folder.path)
    raise TunesmithError(
        msg("the clips are not checked, or something has changed since"),
        where=run,
        remedy=msg(
            "Run `tunesmith check {run}`, or its shares and then `tunesmith merge-cache {run}`, and encode then.",
            run=run,
        ),
    )


def refuse_not_copied(context: RunContext) -> None:
    """Many processes must not copy the same clips at once.

    Raises:
        TunesmithError: when there is no copy of what lies at an address.
    """
    folder = context.recipe.data.folder
    if is_remote(folder) and not is_copied(folder):
        raise TunesmithError(
            msg("what lies at this address is not copied yet"),
            where=folder,
            remedy=msg(
                "Point XDG_CACHE_HOME to a folder that all machines share, and run `tunesmith check {address}`.",
                address=folder,
            ),
        )


def _is_whole(context: RunContext, stage: Stage) -> bool:
    """Whether what a stage made is there; that it is undamaged is compared when it is merged or trained on."""
    folder = context.folder
    if stage == "check":
        return folder.manifest.exists() and folder.findings.exists()
    return not EncodedStore(folder.cache, context.family.encoding.fields()).lost


def _refuse_other_counts(context: RunContext, stage: Stage, share: Share) -> None:
    others = sorted({each.count for each in shards_of(context.folder, stage)} - {share.count})
    if others:
        raise other_counts(context.folder.shards, stage, [*others, share.count])


def other_counts(where: Path, stage: Stage, counts: Sequence[int]) -> TunesmithError:
    """What is said where shares of different sizes lie side by side."""
    return TunesmithError(
        msg("the shares of {stage} cannot be cut in {counts} at once", stage=stage, counts=tuple(sorted(counts))),
        where=str(where),
        remedy=msg("Keep to one number of shares, or delete the folders `{stage}-*` there.", stage=stage),
    )
