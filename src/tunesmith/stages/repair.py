"""A repaired copy of a dataset: `tunesmith check --fix`."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from tunesmith.data.characters import shown
from tunesmith.data.checks.survey import span_of
from tunesmith.data.own_folder import OwnFolder, own_folder, refuse_nested
from tunesmith.data.repair.copy import CopyFile, RepairedCopy, SourceGoneError, repaired_copy
from tunesmith.data.repair.plan import RepairPlan, plan_repairs
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.planning.sentences import size_text
from tunesmith.records.repairs import RemovedClip, RepairedClip, Repairs
from tunesmith.run.console import Console
from tunesmith.stages.check import log_every
from tunesmith.stages.plain import CheckedFolder, PlainFolder, check_folder, log_checked
from tunesmith.stages.spoken_names import spoken
from tunesmith.texts import Message, in_turn, msg

_Item = TypeVar("_Item")
RECORD = "repairs.json"
FACTS = ".facts.jsonl"


def repair(clips: PlainFolder, out: Path, console: Console, *, every: bool = False) -> Repairs:
    """Check clips and write a copy of them in which everything is repaired that can be.

    Args:
        clips: The clips as they were read, and with which limits to check them.
        out: The copy: missing, empty, or begun by an earlier command for the same clips.
        console: Prints lines and progress.
        every: Print every finding, and not only the first of each kind.

    Raises:
        TunesmithError: when the clips cannot be read, or the copy cannot be written.
    """
    folder = clips.recipe.data.place
    source = folder.parent if folder.is_file() else folder
    refuse_nested(out, source)
    try:
        with own_folder(out, "repair", folder) as own:
            checked = check_folder(clips, console, out / FACTS)
            log_checked(console, checked, msg("every finding that is left will be in {path}", path=str(out / RECORD)))
            if every:
                log_every(console, checked.report.findings)
            return _repaired(checked, own, console)
    except KeyboardInterrupt:
        console.log(msg("what is copied so far stays in {path}; the same command goes on from there", path=str(out)))
        raise


def _repaired(checked: CheckedFolder, own: OwnFolder, console: Console) -> Repairs:
    with console.progress(msg("plan the repairs"), len(checked.dataset.samples)) as advance:
        plan = plan_repairs(checked.dataset, checked.report, checked.recipe.checks, advance)
    copy = repaired_copy(checked.dataset, checked.folder, checked.options, plan)
    files = [file for file in copy.files if file.path != RECORD]  # of a folder that is a copy itself
    _refuse_full_disk(files, own.folder)
    foreign, gone = [], []
    with console.progress(msg("write the copy"), len(files)) as advance:
        for file in files:
            try:
                if own.put(file.path, file.made, file.write) == "foreign":
                    foreign.append(file.path)
            except SourceGoneError as error:
                gone.append(error.message)
            advance(1)
    own.sweep({file.path for file in files})
    unchanged = sum(not file.changed for file in files) - len(gone)
    record = Repairs(
        source=str(checked.folder),
        layout=checked.dataset.name,
        clips=tuple(_clips(checked.dataset.samples, plan, copy)),
        removed=tuple(_removed(checked, plan)),
        unchanged=unchanged,
        foreign=tuple(shown(path) for path in foreign),
        set_left=plan.left.get("*", ()),
    )
    record.write(own.folder / RECORD)
    console.warn_some(gone, lambda count: msg("{count} more files cannot be read any more", count=count))
    _log(record, own.folder, console)
    return record


def _clips(samples: Sequence[Sample], plan: RepairPlan, copy: RepairedCopy) -> Iterator[RepairedClip]:
    """Every clip that is in the copy and had findings."""
    for sample in samples:
        if sample.id in plan.removed:
            continue
        sounds = {ref: plan.sounds[ref] for ref in map(span_of, sample.audios.values())}
        changed = [ref for ref, sound in sounds.items() if sound.steps and copy.places[ref].form is not None]
        refused = [sound.refused for sound in sounds.values() if sound.refused]
        refused += [
            msg("its new name is that of another file, so it stays as it is")
            for ref, sound in sounds.items()
            if sound.steps and copy.places[ref].form is None
        ]
        left = plan.left.get(sample.id, ())
        if changed or refused or left:
            yield RepairedClip(
                clip=sample.id,
                files=tuple(shown(str(copy.places[ref].path)) for ref in changed),
                checks=tuple(step.check for ref in changed for step in sounds[ref].steps if step.check),
                done=tuple(step.said for ref in changed for step in sounds[ref].steps),
                left=left,
                refused=tuple(refused),
            )
    known = {sample.id for sample in samples}
    for clip, found in plan.left.items():  # what the layout could not use has no sound here
        if clip not in known and clip != "*":
            yield RepairedClip(clip=clip, left=found)


def _removed(checked: CheckedFolder, plan: RepairPlan) -> Iterator[RemovedClip]:
    """Every clip that is left out, with texts of its own."""
    for sample in checked.dataset.samples:
        if sample.id in plan.removed:
            texts = {role: text for role, text in sample.texts.items() if text != checked.options.default_text}
            yield RemovedClip(clip=sample.id, why=plan.removed[sample.id].message, texts=texts)


def _refuse_full_disk(files: Sequence[CopyFile], out: Path) -> None:
    """Stop before the first file where the copy cannot fit."""
    needed = sum(file.size for file in files if not (out / file.path).exists())
    free = shutil.disk_usage(out).free
    if needed > free:
        raise TunesmithError(
            msg("the copy takes about {needed}, and {free} are free", needed=size_text(needed), free=size_text(free)),
            where=str(out),
            remedy=msg("Free some space, or name a folder on another disk."),
        )


def _log(record: Repairs, out: Path, console: Console) -> None:
    """Print what was done to each clip, what is left by kind, and the numbers."""
    repaired = _alike(record.clips, lambda clip: tuple(said.id for said in clip.done))
    for clips in repaired:
        lines = [msg("  repaired  {clip}: {said}", clip=clip.clip, said=in_turn(clip.done)) for clip in clips]
        console.log_some(lines, lambda count: msg("  repaired  {count} more in the same way", count=count), "green")
    for gone in _alike(record.removed, lambda one: one.why.id):
        console.log_some([_removed_line(one) for one in gone], _more_removed, "green")
    refused = [(clip.clip, reason) for clip in record.clips for reason in clip.refused]
    for reasons in _alike(refused, lambda one: one[1].id):
        lines = [msg("  left      {clip}: {said}", clip=clip, said=reason) for clip, reason in reasons]
        console.log_some(lines, lambda count: msg("  left      {count} more for this reason", count=count), "yellow")
    left = [finding for clip in record.clips for finding in clip.left]
    for check, count in Counter(finding.check for finding in left).most_common():
        first = next(finding for finding in left if finding.check == check)
        line = msg(
            "  left      {check} ({count}): {clip}: {said}",
            check=spoken(check),
            count=count,
            clip=first.clip,
            said=first.with_remedy(),
        )
        console.log(line, style="yellow")
    foreign = [
        msg("{path} in the copy was changed by somebody else; it is left alone", path=path) for path in record.foreign
    ]
    console.warn_some(foreign, lambda count: msg("{count} more files of the copy are left alone", count=count))
    console.log(
        msg(
            "{repaired} clips repaired, {removed} copies left out, {unchanged} files as they were; all of it is in "
            "{path}",
            repaired=sum(map(len, repaired)),
            removed=len(record.removed),
            unchanged=record.unchanged,
            path=str(out / RECORD),
        )
    )


def _alike(items: Iterable[_Item], kind: Callable[[_Item], Hashable]) -> list[list[_Item]]:
    """Items by their kind, in the order that kinds first come; those whose kind is empty are left out."""
    kinds: dict[Hashable, list[_Item]] = {}
    for item in items:
        if kind(item):
            kinds.setdefault(kind(item), []).append(item)
    return list(kinds.values())


def _removed_line(gone: RemovedClip) -> Message:
    line = msg("  removed   {clip}: {said}", clip=gone.clip, said=gone.why)
    for role, text in gone.texts.items():
        lost = msg("            its {role} goes with it: {text}", role=spoken(role), text=text[:120])
        line = Message("{above}\n{below}", {"above": line, "below": lost})
    return line


def _more_removed(count: int) -> Message:
    return msg("  removed   {count} more copies", count=count)


def unusable(record: Repairs) -> list[str]:
    """The clips of a copy that a check would still put into quarantine."""
    return [clip.clip for clip in record.clips if any(finding.level == "error" for finding in clip.left)]
