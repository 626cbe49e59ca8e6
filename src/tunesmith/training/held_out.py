"""What is measured while a run trains: held-out loss, also by kind, and previews; and which checkpoint is best."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from tunesmith.data.replay import is_replay
from tunesmith.data.sample import edit_type
from tunesmith.families.contract import Batch
from tunesmith.training.clips import Clips
from tunesmith.training.previews import make_previews
from tunesmith.training.run_state import RunState, save_model
from tunesmith.training.state import TrainState
from tunesmith.training.validation import fixed_batches, measure

OWN, REPLAY = "own", "replay"
"""Kinds of held-out clips where edit types tell none apart."""


def kind_batches(state: TrainState, own: list[Batch]) -> dict[str, list[Batch]]:
    """Held-out clips, the user's own and replay ones, by what they ask for; nothing where they are all of one kind.

    A kind is an edit type; where there is but one, the user's own clips and the replay clips are the kinds.

    Args:
        state: The run.
        own: The user's own held-out clips in batches, which stand for their kind where they are all of it.
    """
    clips = [one for one in (state.valid, state.replayed) if one is not None]
    by_edit = len({edit_type(sample.attributes) for one in clips for sample in one.samples}) > 1
    groups: defaultdict[str, list[tuple[Clips, int]]] = defaultdict(list)
    for one in clips:
        for i in sorted(range(len(one)), key=one.ids.__getitem__):
            sample = one.samples[i]
            kind = edit_type(sample.attributes) if by_edit else REPLAY if is_replay(sample) else OWN
            groups[kind].append((one, i))
    if len(groups) < 2:
        return {}

    def batches(group: list[tuple[Clips, int]]) -> list[Batch]:
        if state.valid is not None and len(group) == len(state.valid) and all(one is state.valid for one, _ in group):
            return own
        items = [one.read(i, one.crop(i, None)) for one, i in group]
        return fixed_batches(state.family, items, state.settings.batch_size)

    return {kind: batches(groups[kind]) for kind in sorted(groups)}


def validate(run: RunState, *, may_be_best: bool = True) -> None:
    """Held-out loss, forgetting loss, and whether this is the best checkpoint so far."""
    state, progress = run.state, run.state.progress
    if not run.valid_batches:
        return
    with state.measuring():
        held_out = measure(state, run.valid_batches)
        forgetting = measure(state, run.base_batches).loss if run.base_batches else None
        each = {
            kind: held_out if batches is run.valid_batches else measure(state, batches)
            for kind, batches in run.kind_batches.items()
        }
    if not held_out.terms:
        return _untold(run)
    kinds = {kind: one.loss for kind, one in each.items() if one.terms}  # a stage may learn nothing from one of them
    better = progress.best_loss is None or held_out.loss < progress.best_loss
    best = may_be_best and better and np.isfinite(held_out.loss) and sounds_right(run)
    if not may_be_best:
        # What the stage begins with: whatever is worse than it is never called best.
        progress.first_loss = held_out.loss
        progress.best_loss = held_out.loss if np.isfinite(held_out.loss) else None
    elif best:
        progress.best_loss, progress.best_update, progress.without_best = held_out.loss, progress.update, 0
        note = f"best held-out loss {held_out.loss:.4f} at update {progress.update}"
        save_model(run, run.context.folder.best, note, "best", held_out.loss)
    else:
        progress.without_best += 1
    run.tracker.write(
        "valid",
        progress.update,
        loss=held_out.loss,
        terms=held_out.terms,
        forgetting=forgetting,
        **({"kinds": kinds} if kinds else {}),
        best=bool(best),
        stage=state.stage.name,
        weights=state.settings.use_weights,
    )
    run.context.console.log(
        f"update {progress.update}/{state.updates}  valid loss {held_out.loss:.4f}"
        + (f" ({', '.join(f'{kind} {loss:.4f}' for kind, loss in kinds.items())})" if kinds else "")
        + (f"  base-style loss {forgetting:.4f}" if forgetting is not None else "")
        + ("  (best so far)" if best else "")
    )
    if state.settings.early_stopping and progress.without_best >= state.settings.early_stopping:
        progress.finished = True
        text = f"stopped early: no better held-out loss in {progress.without_best} measurements"
        run.context.console.log(text)
        run.tracker.event("early_stop", progress.update, text, f"提前停止：连续 {progress.without_best} 次验证没有改善")


def _untold(run: RunState) -> None:
    """No held-out clip teaches a network of this stage: nothing can be called best, and its last weights go on."""
    state = run.state
    if state.progress.update == state.progress.stage_began:
        name = state.stage.name
        text = f"stage {name}: no held-out clip can measure it, so its last weights stand"
        run.context.console.warn(text)
        zh = f"阶段 {name}：没有可用于验证的片段，保留最后的权重"
        run.tracker.event("not_measured", state.progress.update, text, zh)


def sounds_right(run: RunState) -> bool:
    """Whether the previews at this very update are sound; without previews the loss alone decides."""
    if not run.requests:
        return True
    if run.previewed_at != run.state.progress.update:
        preview(run)
    return run.preview_problem is None


def preview(run: RunState) -> None:
    """Make one round of previews and warn the moment one fades, goes silent or turns to noise."""
    state, update = run.state, run.state.progress.update
    if run.previewed_at == update:
        return
    with state.measuring():
        made = make_previews(
            state.family,
            state.networks,
            run.requests,
            run.context.folder,
            update,
            str(state.accelerator.device),
        )
    for one in made:
        run.tracker.write("preview", update, **vars(one))
        if one.problem:
            run.context.console.warn(f"preview {one.index} at update {update} ({one.prompt!r}): {one.problem}")
    run.previewed_at = update
    # What the base does by itself (step 0, same prompt and seed) is not the adapter's fault.
    base = {r["index"] for r in run.context.folder.read_metrics("preview") if r["update"] == 0 and r["problem"]}
    problems = [one.problem for one in made if one.problem and one.index not in base]
    run.preview_problem = problems[0] if problems else None
