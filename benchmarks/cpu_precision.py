"""One update in fp32 against the same in bf16, on a CPU that multiplies bf16 itself (AMX or AVX512-BF16).

Random weights, few layers: MusicGen and ACE-Step of width 1024 through the update that ``tunesmith train`` makes, and
the LLM of Step-Audio-EditX as wide as the released one (3072), LoRA on all of them, the frozen base held in the
precision. Both precisions take turns; without bf16 of its own a CPU is many times slower in it, so nothing is measured.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import protocol
from recording import measured, write_results

PRECISIONS = ("fp32", "bf16")
Updates = dict[str, Callable[[], object]]


def musicgen(layers: int, folder: Path) -> Updates:
    """Two clips of 500 frames, width 1024."""
    from arms import make_work, our_bench, synthetic_family
    from models import Sizes, write_checkpoint
    from tunesmith.training.loop import train_update

    write_checkpoint(folder / "model", Sizes(layers, 1024, 16, text_width=256, text_layers=2, text_vocab=512))
    family, work = synthetic_family(str(folder / "model")), make_work([500, 500], 2, 2048, 4, 512)
    return {name: partial(train_update, our_bench(family, work, folder / name, precision=name)) for name in PRECISIONS}


def ace_step(layers: int, folder: Path) -> Updates:
    """One clip of 60 s with 400 lyric tokens, width 1024, rank 64 on the attentions' projections."""
    from ace_step_arms import Work, our_bench, unwritten_family
    from ace_step_models import transformer_config
    from tunesmith.training.loop import train_update

    family, work = unwritten_family(transformer_config(layers, 1024), "cpu"), Work(1, 60.0, 400)
    adapter = {"rank": 64, "alpha": 64, "targets": ["to_q", "to_k", "to_v", "to_out.0"]}
    return {
        name: partial(train_update, our_bench(family, work, folder / name, adapter=adapter, precision=name))
        for name in PRECISIONS
    }


def step_audio(layers: int, folder: Path) -> Updates:
    """One sequence of 900 ids, 418 of them targets, width 3072."""
    import torch

    from step_audio_real_width import IDS, build, loss_of

    def update(model: Any, optimizer: Any, ids: Any, half: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = loss_of(model.get_base_model(), ids, everywhere=False)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    made: Updates = {}
    for name in PRECISIONS:
        model = build(layers, checkpointing=False)
        trained = [p for p in model.parameters() if p.requires_grad]
        for weight in model.parameters():
            if name == "bf16" and not weight.requires_grad:
                weight.data = weight.data.bfloat16()
        ids = torch.randint(model.get_base_model().config.vocab_size, (1, IDS))
        made[name] = partial(update, model, torch.optim.AdamW(trained, lr=1e-4), ids, name == "bf16")
    return made


FAMILIES: dict[str, tuple[Callable[[int, Path], Updates], int]] = {
    "MusicGen": (musicgen, 4),
    "ACE-Step": (ace_step, 4),
    "EditX LLM": (step_audio, 2),
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=FAMILIES)
    options = parser.parse_args()
    import torch

    from tunesmith.run.device import cpu_has_bf16

    if not cpu_has_bf16():
        print("this CPU has neither AMX nor AVX512-BF16: nothing to measure")
        return
    torch.set_num_threads(1)
    seconds, ratios = {}, {}
    with protocol.probed():
        for name, (make, layers) in FAMILIES.items():
            if options.only not in (None, name):
                continue
            with tempfile.TemporaryDirectory() as folder:
                seconds[name] = protocol.best(protocol.interleave(make(layers, Path(folder)), options.rounds))
            ratios[name] = seconds[name]["fp32"] / seconds[name]["bf16"]
            print(f"  {name:10s} fp32 {seconds[name]['fp32']:.2f}, bf16 {seconds[name]['bf16']:.2f} CPU-s")
            print(protocol.ratio_line(f"{name}: fp32 over bf16", ratios[name], 2.5), flush=True)
    measured(cpu_s=seconds, ratio=ratios)
    write_results(__file__)


if __name__ == "__main__":
    main()
