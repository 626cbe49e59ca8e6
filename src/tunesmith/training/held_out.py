"""What is measured while a run trains: held-out loss, also by kind, and previews; and which checkpoint is best."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from tunesmith.data.replay import is_replay
from tunesmith.data.sample import edit_type
from tunesmith.families.contract import Batch
from tunesmith.training.clips import Clips
from tunesmith.training.previews import make_previews
from tunesmith.training.run_state import Session, save_model
from tunesmith.training.state import Bench
from tunesmith.training.validation import fixed_batches, measure

OWN, REPLAY = "own", "replay"
"""Kinds of held-out clips where edit types tell none apart."""


def kind_batches(bench: Bench, own: list[Batch]) -> dict[str, list[Batch]]:
    """Held-out clips, the user's own and replay ones, by what they ask for; nothing where they are all of one kind.

    A kind is an edit type; where there is but one, the user's own clips and the replay clips are the kinds.

    Args:
        bench: The run.
        own: The user's own held-out clips in batches, which stand for their kind where they are all of it.
    """
    clips = [one for one in (bench.valid, bench.replayed) if one is not None]
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
        if bench.valid is not None and len(group) == len(bench.valid) and all(one is bench.valid for one, _ in group):
            return own
        items = [one.read(i, one.crop(i, None)) for one, i in group]
        return fixed_batches(bench.family, items, bench.settings.batch_size)

    return {kind: batches(groups[kind]) for kind in sorted(groups)}


def validate(session: Session, *, may_be_best: bool = True) -> None:
    """Held-out loss, forgetting loss, and whether this is the best checkpoint so far."""
    bench, progress = session.bench, session.bench.progress
    if not session.valid_batches:
        return
    with bench.measuring():
        held_out = measure(bench, session.valid_batches)
        forgetting = measure(bench, session.base_batches).loss if session.base_batches else None
        each = {
            kind: held_out if batches is session.valid_batches else measure(bench, batches)
            for kind, batches in session.kind_batches.items()
        }
    if not held_out.terms:
        return _untold(session)
    kinds = {kind: one.loss for kind, one in each.items() if one.terms}  # a stage may learn nothing from one of them
    better = progress.best_loss is None or held_out.loss < progress.best_loss
    best = may_be_best and better and np.isfinite(held_out.loss) and sounds_right(session)
    if not may_be_best:
        # What the stage begins with: whatever is worse than it is never called best.
        progress.first_loss = held_out.loss
        progress.best_loss = held_out.loss if np.isfinite(held_out.loss) else None
    elif best:
        progress.best_loss, progress.best_update, progress.without_best = held_out.loss, progress.update, 0
        note = f"best held-out loss {held_out.loss:.4f} at update {progress.update}"
        save_model(session, session.context.folder.best, note, "best", held_out.loss)
    else:
        progress.without_best += 1
    session.tracker.write(
        "valid",
        progress.update,
        loss=held_out.loss,
        terms=held_out.terms,
        forgetting=forgetting,
        **({"kinds": kinds} if kinds else {}),
        best=bool(best),
        stage=bench.stage.name,
        weights=bench.settings.use_weights,
    )
    session.context.console.log(
        f"update {progress.update}/{bench.updates}  valid loss {held_out.loss:.4f}"
        + (f" ({', '.join(f'{kind} {loss:.4f}' for kind, loss in kinds.items())})" if kinds else "")
        + (f"  base-style loss {forgetting:.4f}" if forgetting is not None else "")
        + ("  (best so far)" if best else "")
    )
    if bench.settings.early_stopping and progress.without_best >= bench.settings.early_stopping:
        progress.finished = True
        text = f"stopped early: no better held-out loss in {progress.without_best} measurements"
        session.context.console.log(text)
        session.tracker.event(
            "early_stop", progress.update, text, f"提前停止：连续 {progress.without_best} 次验证没有改善"
        )


def _untold(session: Session) -> None:
    """No held-out clip teaches a network of this stage: nothing can be called best, and its last weights go on."""
    bench = session.bench
    if bench.progress.update == bench.progress.stage_began:
        name = bench.stage.name
        text = f"stage {name}: no held-out clip can measure it, so its last weights stand"
        session.context.console.warn(text)
        zh = f"阶段 {name}：没有可用于验证的片段，保留最后的权重"
        session.tracker.event("not_measured", bench.progress.update, text, zh)


def sounds_right(session: Session) -> bool:
    """Whether the previews at this very update are sound; without previews the loss alone decides."""
    if not session.requests:
        return True
    if session.previewed_at != session.bench.progress.update:
        preview(session)
    return session.preview_problem is None


def preview(session: Session) -> None:
    """Make one round of previews and warn the moment one fades, goes silent or turns to noise."""
    bench, update = session.bench, session.bench.progress.update
    if session.previewed_at == update:
        return
    with bench.measuring():
        made = make_previews(
            bench.family,
            bench.networks,
            session.requests,
            session.context.folder,
            update,
            str(bench.accelerator.device),
        )
    for one in made:
        session.tracker.write("preview", update, **vars(one))
        if one.problem:
            session.context.console.warn(f"preview {one.index} at update {update} ({one.prompt!r}): {one.problem}")
    session.previewed_at = update
    # What the base does by itself (step 0, same prompt and seed) is not the adapter's fault.
    base = {r["index"] for r in session.context.folder.read_metrics("preview") if r["update"] == 0 and r["problem"]}
    problems = [one.problem for one in made if one.problem and one.index not in base]
    session.preview_problem = problems[0] if problems else None
