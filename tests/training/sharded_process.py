"""What one of several processes of a run with a divided base holds and passes, for a test to launch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch.distributed.tensor import DTensor

from tunesmith.families.contract import GenerationRequest
from tunesmith.recipe.load import load_recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.training.loop import local_micro_batches, train_update
from tunesmith.training.setup import build_train_state
from tunesmith.training.validation import fixed_batches, fixed_items, measure


def main(run: Path, out: Path) -> None:
    """Write what this process holds of the base, the micro-batches of two updates, and a loss that main measures."""
    torch.set_num_threads(1)
    state = build_train_state(RunContext(RunFolder(run), load_recipe(run / "recipe.yaml"), Console(quiet=True)))
    blocks = [
        p
        for name, network in state.networks.items()
        for block in state.family.networks.repeated_blocks(name, network)
        for p in block.parameters()
    ]
    frozen = [p for p in blocks if not any(p is tuned for tuned in state.parameters.values())]
    found = {
        "divided": all(isinstance(p, DTensor) for p in frozen),
        "whole": sum(p.numel() for p in frozen),
        "held": sum(p.to_local().numel() for p in frozen if isinstance(p, DTensor)),
        "counted": [[micro.counted for micro in local_micro_batches(state, number)] for number in range(4)],
        "losses": [train_update(state).measured.loss],
    }
    assert state.valid is not None
    batches = fixed_batches(state.family, fixed_items(state.valid), 1)
    with state.led() as here:
        if here:
            with state.measuring(), torch.inference_mode():
                found["valid"] = measure(state, batches).loss
            with state.measuring():
                maker = state.family.generation.generator(state.networks, "cpu")
                made = next(iter(maker.generate([GenerationRequest({"caption": "trap"}, 0.4, 1)])))
            found["codes"] = [array.tolist() for array in made.encoded.values() if array.dtype.kind in "iu"]
    state.progress.update += 1
    found["losses"].append(train_update(state).measured.loss)
    (out / f"{state.accelerator.process_index}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
