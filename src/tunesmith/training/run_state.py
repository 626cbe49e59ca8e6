"""What the steps of one training run share, and how they keep an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tunesmith.adapters.files import save_adapter
from tunesmith.data.sample import Sample
from tunesmith.families.contract import Batch, GenerationRequest
from tunesmith.files import atomic_folder, write_text
from tunesmith.run.context import RunContext, SavedAdapter
from tunesmith.texts import Message
from tunesmith.training.best import Measurement
from tunesmith.training.preview_rounds import Rounds
from tunesmith.training.schedule import listed_epoch
from tunesmith.training.state import TrainState
from tunesmith.training.trackers import EventName, Tracker


@dataclass
class RunState:
    """What the steps of one run share."""

    context: RunContext
    state: TrainState
    tracker: Tracker
    samples: Sequence[Sample]
    valid_batches: list[Batch]
    kind_batches: dict[str, list[Batch]] = field(default_factory=dict)
    clip_batches: dict[str, list[Batch]] = field(default_factory=dict)
    base_batches: list[Batch] = field(default_factory=list)
    requests: list[GenerationRequest] = field(default_factory=list)
    rounds: Rounds = field(init=False)
    previewed_at: int = -1
    preview_problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        begun = self.state.progress.update
        self.rounds = Rounds(
            self.context.folder, self.context.recipe.previews, len(self.requests), resume_at=begun or None
        )

    @property
    def main(self) -> bool:
        """Whether this process prints, measures and writes."""
        is_main: bool = self.state.accelerator.is_main_process
        return is_main

    def log(self, name: EventName, message: Message) -> None:
        """Print an event, and write it into the run's metrics."""
        self.context.console.log(message)
        self.tracker.event(name, self.state.progress.update, message)

    def warn(self, name: EventName, message: Message, about: int | None = None) -> None:
        """The same as a warning, which may be about an earlier update."""
        self.context.console.warn(message)
        self.tracker.event(name, self.state.progress.update, message, about)


def save_model(
    run: RunState,
    folder: Path,
    note: str,
    kind: Literal["best", "snapshot", "final"],
    measured: Measurement | None = None,
) -> None:
    """Write an adapter folder and tell whoever wants to know of it."""
    write_model(run, folder, note)
    tell_saved(run, folder, kind, run.state.progress.update, measured)


def write_model(run: RunState, folder: Path, note: str) -> None:
    """Write an adapter folder that plain PEFT loads, with its card; the chosen weights (raw or averaged)."""
    from tunesmith.run.model_card import model_card

    state, context = run.state, run.context
    with state.chosen_weights(), atomic_folder(folder) as temporary:
        save_adapter(state.networks, temporary, state.family.card.base_name)
        state.family.adapters.write_extra_files(temporary)
        write_text(temporary / "README.md", model_card(context, note))


def tell_saved(
    run: RunState,
    folder: Path,
    kind: Literal["best", "snapshot", "final"],
    update: int,
    measured: Measurement | None,
) -> None:
    """Tell whoever wants to know that the weights of an update of the present stage have been written."""
    state, context = run.state, run.context
    if context.on_saved is not None:
        since = update - state.progress.stage_began
        loss, terms = (measured.loss, measured.terms) if measured else (None, {})
        context.on_saved(SavedAdapter(folder, kind, state.stage.name, state.stage.networks, since, loss, terms))


def keep_snapshot(run: RunState) -> None:
    """The adapter as it is now, if the recipe keeps them all."""
    state, folder, update = run.state, run.context.folder, run.state.progress.update
    if state.settings.snapshots:
        schedule = state.schedule
        per_epoch = schedule.per_epoch if schedule.mix else listed_epoch(run.samples, schedule.per_update)
        epoch = (update - 1) // per_epoch
        target = folder.path / state.settings.snapshots / f"epoch={epoch}-step={update}_lora"
        save_model(run, target, f"update {update}", "snapshot")
