"""``trainer.py``: the guide's flags, turned into a recipe and run by the same stages as ``tunesmith train``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.doorways.ace_step.options import COMMANDS, TRAIN_DEFAULTS, TYPES
from tunesmith.doorways.common import Parser, run_doorway
from tunesmith.errors import TunesmithError
from tunesmith.run.console import Console
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.run.context import RunContext
    from tunesmith.run.folder import RunFolder
GO_ON = msg("The same flags with --resume auto go on from there.")
HELP = {
    "num_nodes": msg("machines that train together; each needs MASTER_ADDR, MASTER_PORT and NODE_RANK set"),
    "shift": msg("shift of the noise levels that training draws, towards more noise"),
    "learning_rate": msg("peak learning rate; it falls linearly to 0 at the last update"),
    "num_workers": msg("accepted; clips are encoded once before training, so there is nothing to load beside it"),
    "epochs": msg("passes over the dataset's rows; -1 leaves the end to --max_steps"),
    "max_steps": msg("updates at most"),
    "every_n_train_steps": msg("updates between saves; the last one is always saved"),
    "dataset_path": msg("dataset folder of convert2hf_dataset.py, or any folder of clips"),
    "exp_name": msg("name of the experiment; its runs are LOGGER_DIR/lightning_logs/TIME and this name"),
    "precision": msg("32, 16-mixed or bf16-mixed; a CPU runs 32 instead of 16-mixed"),
    "accumulate_grad_batches": msg("batches per update"),
    "devices": msg("processes on this machine, one per GPU"),
    "logger_dir": msg("where runs go"),
    "ckpt_path": msg("a folder checkpoints/step-N to go on from, in a new run"),
    "checkpoint_dir": msg("the base model's folder if it holds one, else where adapters are saved"),
    "gradient_clip_val": msg("limit of gradient clipping; 0 or None turns it off"),
    "gradient_clip_algorithm": msg("what it limits: norm, or every value"),
    "reload_dataloaders_every_n_epochs": msg("accepted; every epoch is drawn anew"),
    "every_plot_step": msg("updates between curves and audio; 0 turns them off"),
    "val_check_interval": msg(
        "updates between measurements of held-out loss, or a share of an epoch (0.5); None: at saves"
    ),
    "lora_config_path": msg("JSON file with r, lora_alpha and target_modules"),
    "model": msg("base model: hub id, folder, or `pocket`"),
    "batch_size": msg("clips per batch and device"),
    "resume": msg("`auto` goes on with the newest run of this --exp_name"),
}


def trainer(argv: Sequence[str] | None = None) -> int:
    """Check, encode and train."""
    parser = Parser("trainer", msg("Train a LoRA adapter on ACE-Step v1."), TRAIN_DEFAULTS, TYPES)
    for name, text in HELP.items():
        parser.value(name, text)
    parser.switch("ssl", msg("add the MERT and mHuBERT projection losses; downloads both models"))
    parser.overrides()
    args = parser.read(argv)
    parser.check_config_keys(args, COMMANDS)
    command = shlex.join(["trainer.py", *(sys.argv[1:] if argv is None else argv)])
    return _run(args, command)


def _run(args: argparse.Namespace, command: str) -> int:
    from tunesmith.doorways.ace_step.launch import Meeting, cluster, train_together
    from tunesmith.doorways.ace_step.setup import prepare

    machines = cluster(args.devices, args.num_nodes)
    meeting = Meeting(machines) if machines.nodes > 1 else None
    if meeting is not None and machines.rank > 0:
        Console().log(msg("machine {rank}: the first one checks and encodes, and speaks for all", rank=machines.rank))
        return train_together(meeting.folder(), machines)
    context = prepare(args, command)
    folder, console = context.folder, context.console
    if meeting is not None:
        meeting.announce(folder)
    if machines.processes == 1:
        train_alone(context)
    elif code := train_together(folder, machines):
        raise EndedEarlyError(code, folder)
    console.log(
        msg(
            "best: {best}   last: {last}   saves: {saves}",
            best=str(folder.best),
            last=str(folder.final),
            saves=str(folder.path / context.recipe.train.snapshots),
        )
    )
    console.log(
        msg(
            "report: tunesmith report {run}   curves: tensorboard --logdir {logs}",
            run=str(folder.path),
            logs=args.logger_dir,
        )
    )
    return 0


class EndedEarlyError(TunesmithError):
    """One of several processes failed or was stopped, and has printed the reason."""

    def __init__(self, code: int, folder: RunFolder) -> None:
        super().__init__(msg("training has ended early"), where=str(folder.path), remedy=GO_ON)
        self.exit_code = code


def train_alone(context: RunContext) -> None:
    """Train in this process.

    Raises:
        InterruptedRunError: after Ctrl-C or SIGTERM, with everything saved.
    """
    from tunesmith.stages.pipeline import run_stages
    from tunesmith.training.trainer import InterruptedRunError

    try:
        run_stages(context, ["train"], asked="resume")
    except InterruptedRunError as error:
        error.remedy = GO_ON
        raise


def main() -> int:
    """Entry of the script."""
    return run_doorway(trainer)
