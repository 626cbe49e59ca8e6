"""Files of a run that an accident has damaged: put aside and named, so that they never stop it."""

from __future__ import annotations

import os

from tunesmith.files import DamagedFileError, explain_os_error
from tunesmith.records.stage_state import StageState
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES
from tunesmith.texts import msg


def set_aside_damaged_states(context: RunContext) -> None:
    """Rename stage files that hold no state, and say what follows from each.

    Raises:
        TunesmithError: when one cannot be renamed, or is of a later version.
    """
    for stage in STAGES:
        path = context.folder.stage(stage)
        if not path.exists():
            continue
        try:
            StageState.read(path)
        except DamagedFileError as error:
            kept = path.with_name(f"{stage}.damaged.json")
            try:
                os.replace(path, kept)
            except OSError as refused:
                raise explain_os_error(refused, path) from refused
            context.console.warn(msg("{where}: {said}", where=str(error.where), said=error.what))
            again = msg("the stage {stage} counts as not done; the file is kept as {kept}", stage=stage, kept=str(kept))
            goes_on = msg("training goes on from its newest checkpoint; the file is kept as {kept}", kept=str(kept))
            context.console.log(goes_on if stage == "train" else again)
