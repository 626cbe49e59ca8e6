"""The newest checkpoint that can be gone on from: damaged ones are put aside and named."""

from __future__ import annotations

import os
from pathlib import Path
from pickle import UnpicklingError  # what torch raises for a damaged file; nothing is unpickled

from tunesmith.errors import TunesmithError
from tunesmith.files import DamagedFileError, explain_os_error
from tunesmith.records.checkpoint_state import CheckpointState
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STATE
from tunesmith.texts import Message, msg
from tunesmith.training.checkpoint import OPTIMIZER

DAMAGED = "damaged-"
"""What the name of a checkpoint that was put aside begins with."""


def newest_sound(context: RunContext) -> Path | None:
    """The newest checkpoint that is whole; ``None`` where there never was one.

    Raises:
        TunesmithError: when every checkpoint is damaged, so that only training anew is left.
    """
    found = context.folder.all_checkpoints()
    damage: Message | None = None
    for path in reversed(found):
        damage = damage_of(path)
        if damage is None:
            return path
        kept = path.with_name(f"{DAMAGED}{path.name}")
        try:
            os.replace(path, kept)
        except OSError as error:
            raise explain_os_error(error, path) from error
        context.console.warn(
            msg(
                "{checkpoint} is damaged ({reason}); it is kept as {kept}",
                checkpoint=str(path),
                reason=damage,
                kept=kept.name,
            )
        )
    if found:
        raise TunesmithError(
            msg("every checkpoint of this run is damaged ({reason})", reason=damage),
            where=str(context.folder.checkpoints),
            remedy=msg(
                "Train anew with `tunesmith train {run} --fresh`; what is there is kept.", run=str(context.folder.path)
            ),
        )
    return None


def damage_of(checkpoint: Path) -> Message | None:
    """What is wrong with a checkpoint's files, the first thing found; ``None`` where all can be read."""
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        CheckpointState.read(checkpoint / STATE)
        torch.load(checkpoint / OPTIMIZER, map_location="cpu", weights_only=True, mmap=True)
        for file in sorted(checkpoint.rglob("*.safetensors")):
            with safe_open(file, "pt"):  # compares the header with the file's length
                pass
    except DamagedFileError as error:
        return error.message
    except SafetensorError as error:
        return msg("{file}: {reason}", file=file.name, reason=str(error))
    except (OSError, RuntimeError, EOFError, ValueError, UnpicklingError) as error:
        return msg("{file}: {reason}", file=OPTIMIZER, reason=(str(error).splitlines() or [type(error).__name__])[0])
    return None
