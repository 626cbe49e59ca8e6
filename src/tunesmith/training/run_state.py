"""What the steps of one training run share, and how they keep an adapter."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tunesmith.adapters import peft_adapter as adapters
from tunesmith.data.sample import Sample
from tunesmith.families.contract import Batch, GenerationRequest
from tunesmith.files import atomic_folder
from tunesmith.run.context import RunContext, SavedAdapter
from tunesmith.training.state import Bench
from tunesmith.training.trackers import Tracker


@dataclass
class Session:
    """What the steps of one run share."""

    context: RunContext
    bench: Bench
    tracker: Tracker
    samples: list[Sample]
    valid_batches: list[Batch]
    kind_batches: dict[str, list[Batch]] = field(default_factory=dict)
    base_batches: list[Batch] = field(default_factory=list)
    requests: list[GenerationRequest] = field(default_factory=list)
    previewed_at: int = -1
    preview_problem: str | None = None

    @property
    def main(self) -> bool:
        """Whether this process speaks, measures and writes."""
        return self.bench.accelerator.is_main_process


def save_model(
    session: Session, folder: Path, note: str, kind: Literal["best", "snapshot", "final"], loss: float | None = None
) -> None:
    """Write an adapter folder that plain PEFT loads, with its card; the chosen weights (raw or averaged)."""
    from tunesmith.run.model_card import model_card

    bench, context = session.bench, session.context
    with bench.chosen_weights(), atomic_folder(folder) as temporary:
        adapters.save_adapter(bench.networks, temporary, bench.family.base_name)
        bench.family.beside_adapter(temporary)
        (temporary / "README.md").write_text(model_card(context, note), encoding="utf-8")
    if context.on_saved is not None:
        since = bench.progress.update - bench.progress.stage_began
        context.on_saved(SavedAdapter(folder, kind, bench.stage.name, bench.stage.networks, since, loss))
