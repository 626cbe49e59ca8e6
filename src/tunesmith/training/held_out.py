"""What validation measures: held-out loss, also by kind of clip, and the loss on the base model's own outputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from tunesmith.adapters.files import load_adapter
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import edit_type
from tunesmith.data.samples import in_order
from tunesmith.data.spread import spread_places
from tunesmith.families.contract import Batch
from tunesmith.training.best import Measurement
from tunesmith.training.clips import Clips
from tunesmith.training.run_state import RunState
from tunesmith.training.state import TrainState
from tunesmith.training.validation import fixed_batches, measure

OWN, REPLAY = "own", "replay"
"""Kinds of held-out clips where all are of one edit type."""


def kind_batches(state: TrainState, user_batches: list[Batch]) -> dict[str, list[Batch]]:
    """Held-out clips, the user's own and replay ones, by kind; nothing where they are all of one kind.

    A kind is an edit type; where there is but one, the user's own clips and the replay clips are the kinds.

    Args:
        state: The run.
        user_batches: The user's own held-out clips in batches, which stand for their kind where they are all of it.
    """
    held_out = [clips for clips in (state.valid, state.replayed) if clips is not None]
    by_edit = len({edit_type(sample.attributes) for clips in held_out for sample in clips.samples}) > 1
    groups: defaultdict[str, list[tuple[Clips, int]]] = defaultdict(list)
    for clips in held_out:
        for i in in_order(clips.ids):
            sample = clips.samples[i]
            kind = edit_type(sample.attributes) if by_edit else REPLAY if is_replay(sample) else OWN
            groups[kind].append((clips, i))
    if len(groups) < 2:
        return {}

    def batches(group: list[tuple[Clips, int]]) -> list[Batch]:
        valid = state.valid
        if valid is not None and len(group) == len(valid) and all(clips is valid for clips, _ in group):
            return user_batches
        items = [clips.read(i, clips.crop(i, None)) for clips, i in group]
        return fixed_batches(state.family, items, state.settings.batch_size)

    return {kind: batches(groups[kind]) for kind in sorted(groups)}


def clip_batches(state: TrainState) -> dict[str, list[Batch]]:
    """A few of the user's own held-out clips, each alone, by which updates are told apart."""
    clips = state.valid
    if clips is None:
        return {}
    return {
        clips.ids[i]: fixed_batches(state.family, [clips.read(i, clips.crop(i, None))], 1)
        for i in spread_places(clips.ids)
    }


def measure_held_out(run: RunState) -> Measurement | None:
    """Measure the present weights, the averaged ones where those are kept; ``None`` without held-out clips."""
    state = run.state
    if not run.valid_batches:
        return None
    with state.measuring():
        held_out = measure(state, run.valid_batches)
        forgetting = measure(state, run.base_batches).loss if run.base_batches else None
        by_kind = {
            kind: held_out if batches is run.valid_batches else measure(state, batches)
            for kind, batches in run.kind_batches.items()
        }
        each = {name: measure(state, batches) for name, batches in run.clip_batches.items()}
    # A stage may learn nothing from clips of one kind, or from a single clip.
    kinds = {kind: result.loss for kind, result in by_kind.items() if result.terms}
    clips = {name: result.loss for name, result in each.items() if result.terms}
    return Measurement(held_out.loss, held_out.terms, kinds, forgetting, clips)


@contextmanager
def weights_of(state: TrainState, adapter: Path) -> Iterator[None]:
    """Evaluation mode with the weights of a kept adapter, without gradients; the present ones are back afterwards.

    Never inside of ``state.measuring()``, which may put averaged weights in the place of the present ones.
    """
    present = {key: p.detach().clone() for key, p in state.parameters.items()}
    for network in state.networks.values():
        network.eval()
    with torch.no_grad():
        try:
            load_adapter(state.networks, adapter)
            yield
        finally:
            for key, p in state.parameters.items():
                p.copy_(present[key])
    for network in state.networks.values():
        network.train()


def loss_of_adapter(run: RunState, adapter: Path) -> float | None:
    """Held-out loss of a kept adapter, with the present weights back in their places afterwards.

    Returns:
        The loss; ``None`` without held-out clips, or where they teach no network of the present stage.
    """
    state = run.state
    if not run.valid_batches:
        return None
    with weights_of(state, adapter):
        measured = measure(state, run.valid_batches)
    return measured.loss if measured.terms else None
