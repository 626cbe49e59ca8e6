"""A whole run of what ships: example clips, two planted bad ones, the pocket model, a report. Minutes on a CPU."""

from __future__ import annotations

import shutil
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json, write_text
from tunesmith.recipe.load import load_recipe
from tunesmith.recipe.models import Recipe
from tunesmith.records.findings import CheckFindings
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES, RunFolder
from tunesmith.stages.writing import writing
from tunesmith.texts import any_of, msg

PRESETS = {
    "musicgen": "pocket-demo",
    "ace_step": "pocket-demo-ace-step",
    "step_audio": "pocket-demo-step-audio",
}
REAL = {
    "musicgen": "facebook/musicgen-small",
    "ace_step": "ACE-Step/ACE-Step-v1-3.5B",
    "step_audio": "stepfun-ai/Step-Audio-EditX",
}
"""What to name instead of the pocket model on one's own clips."""
RUN_NAMES = {"step_audio": "myvoice"}
"""Examples of a name for a user's own run, where it is not of beats."""


def demo(family: str = "musicgen", out: Path | None = None) -> int:
    """Fine-tune the pocket model on the example clips and name the report.

    Raises:
        TunesmithError: when there is no demo for this family, or the planted clips were not found.
    """
    if family not in PRESETS:
        raise TunesmithError(
            msg("there is no demo for `{family}`", family=family),
            remedy=msg("Use --family {names}.", names=any_of(tuple(PRESETS))),
        )
    name = "demo" if family == "musicgen" else f"demo-{family.replace('_', '-')}"
    folder = RunFolder(out or Path("runs") / name).create()
    console = Console(log_file=folder.log)
    with writing(folder, "tunesmith demo", console):
        return run_demo(folder, family, console)


def run_demo(folder: RunFolder, family: str, console: Console) -> int:
    """The demo in its folder."""
    from tunesmith.stages.pipeline import run_stages

    planted = lay_out_clips(folder, family)
    context = RunContext(folder, make_recipe(folder, family), console, "tunesmith demo")
    console.log(msg("Everything below runs the same code as real weights do. On your own clips it begins with:"))
    run_name = RUN_NAMES.get(family, "mybeats")
    console.log(f"  tunesmith new {run_name} --from ~/{run_name[2:]} --model {REAL[family]}", style="bold")
    run_stages(context, STAGES[:1], asked="fresh_if_changed")
    assert_found(context, planted)
    run_stages(context, STAGES[1:], asked="fresh_if_changed")
    console.log("")
    console.log(msg("On your own clips, everything: tunesmith run {run}", run=run_name), style="bold")
    by_themselves = any_of([f"tunesmith {stage} {run_name}" for stage in STAGES])
    console.log(msg("A stage by itself: {commands}", commands=by_themselves), style="dim")
    return 0


def lay_out_clips(folder: RunFolder, family: str) -> list[Path]:
    """Copy the example clips beside the run and plant two bad ones among them; of speech also the edits to replay."""
    from tunesmith.pocket.examples import plant_bad_clips
    from tunesmith.pocket.shipped import example_clips, example_edits

    examples, clips, edits = example_clips(family), folder.path / "clips", folder.path / "edits"
    if family == "step_audio" and not edits.exists():
        shutil.copytree(example_edits(), edits)
    if not clips.exists():
        shutil.copytree(examples, clips)
        return plant_bad_clips(clips)
    listed = {row["audio"] for row in read_json(examples / "metadata.json")}
    return [clips / row["audio"] for row in read_json(clips / "metadata.json") if row["audio"] not in listed]


def make_recipe(folder: RunFolder, family: str) -> Recipe:
    """The preset that the demo runs, over the clips beside the run; also written into the run folder."""
    replay = "  replay: edits/edits.jsonl\n" if family == "step_audio" else ""
    text = f"preset: {PRESETS[family]}\nname: demo\ndata:\n  folder: clips\n{replay}"
    write_text(folder.recipe, text)
    return load_recipe(folder.recipe)


def assert_found(context: RunContext, planted: list[Path]) -> None:
    """The checks must have found both planted clips, else the demo would show a tool that does not work."""
    quarantined = CheckFindings.read(context.folder.findings).quarantined
    missed = tuple(path.name for path in planted if not any(clip.endswith(path.name) for clip in quarantined))
    if missed:
        raise TunesmithError(
            msg("the checks missed a planted bad clip: {clips}", clips=missed),
            remedy=msg("This is a bug; please report it."),
        )
    context.console.log(msg("planted bad clips found: {clips}", clips=tuple(path.name for path in planted)))
