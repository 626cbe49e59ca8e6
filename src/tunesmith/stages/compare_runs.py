"""Runs, or the checkpoints of one run, side by side: a table, a page, and which of them to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.evaluation.choose_run import Evaluated, compare_runs
from tunesmith.files import atomic_folder, write_text
from tunesmith.records.comparison import Comparison
from tunesmith.records.runs_compared import RunsCompared
from tunesmith.report.compared import build_compared
from tunesmith.report.numbers import loss, number
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder, find_run
from tunesmith.speech.speaker_vector import MFCC_NAME
from tunesmith.stages.inputs import ears_here
from tunesmith.stages.writing import writing
from tunesmith.texts import Message, msg

RECORD = "comparison_results.json"


def compare(context: RunContext, others: Sequence[str], *, checkpoints: bool, force: bool = False) -> RunsCompared:
    """Hold runs or checkpoints against each other; the result lies in the folder of the first run.

    Args:
        context: The first run.
        others: Further runs.
        checkpoints: Compare the checkpoints of the first run instead, evaluated by its recipe where they are not yet.

        force: Evaluate checkpoints anew.

    Raises:
        TunesmithError: when there is nothing to compare with, or a run was not evaluated.
    """
    folder = context.folder
    with writing(folder, context.command, context.console):
        adapters, runs = _adapters(folder) if checkpoints else [], _runs(folder, others)
        if len(adapters if checkpoints else runs) < 2:  # told before any is evaluated
            raise TunesmithError(
                msg("there is only one checkpoint, and nothing to compare it with")
                if checkpoints
                else msg("one run alone cannot be compared"),
                where=str(folder.path),
                remedy=msg("Name another run, or compare checkpoints with --checkpoints."),
            )
        evaluated = _checkpoints(context, adapters, force=force) if checkpoints else map(_of_run, runs)
        found = compare_runs(list(evaluated))
        found.write(folder.runs_compared)
        write_text(folder.runs_compared.with_suffix(".html"), build_compared(found))
    tell(context, found)
    return found


def _runs(folder: RunFolder, others: Sequence[str]) -> list[RunFolder]:
    found = [folder, *(find_run(name) for name in others)]
    return list({run.path.resolve(): run for run in found}.values())


def _of_run(folder: RunFolder) -> Evaluated:
    path = folder.comparison
    if not path.exists():
        raise TunesmithError(
            msg("this run was not evaluated yet"),
            where=str(folder.path),
            remedy=msg("Run `tunesmith evaluate {run}` first.", run=folder.path),
        )
    return Evaluated(folder.path.name, Comparison.read(path))


def _adapters(folder: RunFolder) -> list[Path]:
    return [adapter for adapter in (*folder.candidates(), folder.final) if adapter.is_dir()]


def _checkpoints(context: RunContext, adapters: Sequence[Path], *, force: bool) -> Iterator[Evaluated]:
    """Every kept checkpoint, evaluated where that was not done yet; an interruption keeps those that are done."""
    from tunesmith.stages.evaluate import compare as evaluate_adapter

    folder = context.folder
    settings = context.recipe.evaluate.model_copy(update={"strength_prompts": 0})
    context = context.with_recipe(context.recipe.model_copy(update={"evaluate": settings}))
    for adapter in adapters:
        target = folder.checkpoints_compared / adapter.name
        if force or not (_is_of(target / RECORD, adapter) and _heard_by(target / RECORD, ears_here(context))):
            context.console.log(msg("evaluate {name}", name=adapter.name), style="bold")
            with atomic_folder(target) as temporary:
                evaluate_adapter(context, adapter, temporary)
        yield Evaluated(adapter.name, Comparison.read(target / RECORD))


def _is_of(record: Path, adapter: Path) -> bool:
    """Whether an evaluation is there, and no older than the adapter."""
    if not record.exists():
        return False
    return record.stat().st_mtime_ns >= max(path.stat().st_mtime_ns for path in adapter.rglob("*") if path.is_file())


def _heard_by(record: Path, ears: Sequence[str]) -> bool:
    """Whether these ears measured an evaluation: its speech, or the distance of its music where there is one."""
    found = Comparison.read(record)
    if found.speech is not None:
        return set(found.speech.ears) - {MFCC_NAME} == set(ears)
    return found.sound is None or found.sound.adapter is None or set(found.sound.ears) == set(ears)


def tell(context: RunContext, found: RunsCompared) -> None:
    """Print a line for each, the notes, and which to keep."""
    for run in found.runs:
        line = msg(
            "{name}: held-out loss {base} → {loss}, {flagged} of {outputs} outputs with faults",
            name=run.name,
            base=loss(run.base_loss),
            loss=loss(run.loss),
            flagged=number(run.flagged),
            outputs=number(run.outputs),
        )
        context.console.log(Message("  {said}", {"said": line}))
    for note in (*found.notes, found.choice.sentence):
        context.console.log(Message("  {said}", {"said": note}))
