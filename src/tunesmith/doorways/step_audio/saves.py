"""``llm_best.pt``, ``flow_epoch_5.pt`` and the like, written while training goes on."""

from __future__ import annotations

import contextlib
import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tunesmith.doorways.step_audio.recipe import JOINT, STAGES
from tunesmith.families.step_audio.checkpoints import parts_of, write_checkpoint
from tunesmith.families.step_audio.network_loss import UNKNOWN, NetworkLoss, best_losses, network_loss
from tunesmith.records.metrics import ValidLine
from tunesmith.run.context import RunContext, SavedAdapter
from tunesmith.run.folder import RunFolder
from tunesmith.stages.inputs import stage_inputs
from tunesmith.stages.results import changed_since

EARLIER = "earlier"
"""Where checkpoint files go that a run begun anew would write over."""


@dataclass(frozen=True)
class Saves:
    """Writes the guide's checkpoint files; training calls it with every adapter that it saves.

    Attributes:
        folder: The run's, where the files go.
        per_epoch: Updates of an epoch.
    """

    folder: RunFolder
    per_epoch: int

    def __call__(self, saved: SavedAdapter) -> None:
        """Write the files of the networks that the present stage trains."""
        epoch = math.ceil(saved.updates / self.per_epoch)
        if saved.kind == "best":
            for name in saved.networks:
                found = NetworkLoss(saved.stage, network_loss(name, saved.terms))
                write_checkpoint(saved.folder, self.best(name), name, epoch=epoch, found=found)
        if saved.kind == "snapshot":
            if saved.updates:  # at 0 a stage has only been handed over
                together = "joint_" if saved.stage == JOINT else ""
                for name in saved.networks:
                    target = self.folder.path / f"{name}_{together}epoch_{epoch}.pt"
                    found = NetworkLoss(saved.stage, self._newest_loss(name))
                    write_checkpoint(saved.folder, target, name, epoch=epoch, found=found)
            shutil.rmtree(saved.folder)
            with contextlib.suppress(OSError):  # the last of them leaves its folder empty
                saved.folder.parent.rmdir()

    def best(self, name: str) -> Path:
        """The file of a network's best weights."""
        return self.folder.path / f"{name}_best.pt"

    def _newest_loss(self, network: str) -> float | None:
        """A network's newest held-out loss."""
        lines = reversed(list(self.folder.read_metrics(ValidLine)))
        losses = (network_loss(network, line.terms) for line in lines)
        return next((loss for loss in losses if loss is not None), None)

    def write_best(self) -> None:
        """Write the best files as ``best_model/`` has them after training, also where a stage found nothing better."""
        state = self.folder.stage_state("train")
        summary = state.training() if state else None
        stages = summary.stages if summary else ()
        losses = best_losses(self.folder.metrics)
        for name in parts_of(self.folder.best):
            epoch, began, found = 0, 0, UNKNOWN
            for stage in stages:
                if stage.name in (name, JOINT) and stage.best_update:
                    epoch = math.ceil((stage.best_update - began) / self.per_epoch)
                    found = losses.get(name, NetworkLoss(stage.name))
                began += stage.updates
            write_checkpoint(self.folder.best, self.best(name), name, epoch=epoch, found=found)

    def set_aside(self, mode: str) -> Path | None:
        """Move the files of an earlier run of the same networks away; returns where to. Nothing is deleted."""
        names = [name for name in STAGES[mode] if name != JOINT]
        files = [file for name in names for file in self.folder.path.glob(f"{name}_*.pt")]
        if not files:
            return None
        target = self.folder.path / EARLIER / time.strftime("%Y-%m-%d_%H-%M-%S")
        target.mkdir(parents=True)
        for file in files:
            shutil.move(file, target / file.name)
        return target


def training_status(context: RunContext) -> str:
    """How far this very training has come: ``done``, ``running`` (or interrupted), or nothing yet."""
    state = context.folder.stage_state("train")
    if state is None:
        return ""
    changed = changed_since(context, state, stage_inputs(context, "train"))
    return "" if any(change.decides.what == "weights" for change in changed) else state.status
