"""Compiled blocks against the same blocks as they are: which gradients are nearer to float64's, and the time they take.

As wide as the published models, few blocks, random weights, the workbench that ``tunesmith train`` builds, on the CPU.
The reference is the same loss of the same weights in float64. By kind of adapted layer: a difference may sit in one.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import protocol
from recording import measured, write_results


def in_float64(state: Any) -> tuple[float, Any]:
    """Loss and gradients of a state's weights in float64; the state is of no use afterwards."""
    import torch

    from gpu_parts.bench import loss_and_gradients

    for network in state.networks.values():
        network.double()
    collate = state.family.objective.collate

    def collated(*arguments: Any, **named: Any) -> dict[str, Any]:
        batch = collate(*arguments, **named)
        return {k: v.double() if isinstance(v, torch.Tensor) and v.is_floating_point() else v for k, v in batch.items()}

    vars(state.family.objective)["collate"] = collated
    torch.set_default_dtype(torch.float64)
    single, torch.Tensor.float = torch.Tensor.float, torch.Tensor.double  # some sums ask for fp32 by this name
    try:
        return loss_and_gradients(state)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.Tensor.float = single
        del vars(state.family.objective)["collate"]


def compare(case: Any, place: Any, precision: str, rounds: int) -> None:
    """One family in one precision."""
    import torch

    from gpu_parts.bench import by_target, error, loss_and_gradients
    from gpu_parts.gradients import bench

    states = {name: bench(case, "wide", place, precision) for name in ("as they are", "compiled")}
    states["compiled"].family.networks.compile_blocks(states["compiled"].networks)
    found = {name: loss_and_gradients(state) for name, state in states.items()}
    arms = {name: (lambda state=state: loss_and_gradients(state)) for name, state in states.items()}
    seconds = protocol.best(protocol.interleave(arms, rounds))
    loss, exact = in_float64(bench(case, "wide", place, "fp32"))
    torch.compiler.reset()
    print(
        f"{case.name}, {precision}: compiled blocks take {seconds['compiled'] / seconds['as they are']:.2f} of the time"
    )
    figures: dict[str, Any] = {"time": seconds["compiled"] / seconds["as they are"]}
    for name, (one, gradients) in found.items():
        whole, layers = error(gradients, exact), by_target(gradients, exact)
        print(f"  {name:12s} loss {abs(one - loss) / loss:.1e}, gradients {whole:.1e}; {_said(layers)}")
        figures[name] = {"loss": abs(one - loss) / loss, "gradients": whole, "layers": layers}
    between = by_target(found["compiled"][1], found["as they are"][1])
    print(f"  of one another: {_said(between)}")
    measured(**{f"{case.name} {precision}": {**figures, "of_one_another": between}})


def _said(layers: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1e}" for name, value in layers.items())


def main() -> None:
    """Every family that compiles its block, in fp32 and, on a CPU that multiplies it itself, in bf16."""
    import torch

    from gpu_parts.cases import CASES, Place

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dry", action="store_true", help="small models")
    options = parser.parse_args()
    torch.set_num_threads(1)
    precisions = ("fp32", "bf16") if torch.ops.mkldnn._is_mkldnn_bf16_supported() else ("fp32",)
    with tempfile.TemporaryDirectory() as folder:
        place = Place("cpu", options.dry, Path(folder))
        for case in (case for case in CASES if case.compiles):
            for precision in precisions:
                compare(case, place, precision, options.rounds)
    write_results(__file__)


if __name__ == "__main__":
    main()
