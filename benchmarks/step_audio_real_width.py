"""Two training steps of a Step1 as wide as the released one, two layers deep: logits at target positions or at all.

Width 3072, 48 heads in 4 groups and 74,752 ids as published, random weights in fp32, LoRA of rank 8 on q, k and v.
One sequence as long as 10 s of prompt and 10 s of target with their text. Every arm is a process of its own, so that
its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import protocol
from recording import measured, write_results

IDS, TARGETS = 900, 418
ARMS = {"target": "logits at targets", "all": "logits at all positions", "kept": "at targets, no checkpointing"}


def build(layers: int, checkpointing: bool) -> Any:
    """The wrapped LLM."""
    import torch
    from peft import LoraConfig, get_peft_model

    from tunesmith.families.step_audio.config import Step1Config
    from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM

    torch.manual_seed(0)
    model = Step1ForCausalLM(replace(Step1Config(), num_hidden_layers=layers))
    model.gradient_checkpointing = checkpointing
    return get_peft_model(model, LoraConfig(r=8, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj"]))


def loss_of(base: Any, ids: Any, everywhere: bool) -> Any:
    """Cross-entropy of the targets, whose logits alone are computed unless ``everywhere``."""
    from torch.nn import functional as F

    first = ids.shape[1] - TARGETS
    states = base.hidden(ids)[:, :-1]
    if everywhere:
        labels = ids[:, 1:].masked_fill(ids.new_ones(ids.shape[1] - 1).cumsum(0) < first, -100)
        return F.cross_entropy(base.lm_head(states).flatten(0, 1), labels.flatten())
    return F.cross_entropy(base.lm_head(states[0, first - 1 :]), ids[0, first:])


def measure(arm: str, layers: int, steps: int) -> dict[str, Any]:
    """Seconds per step, losses and memory of one arm, in this process."""
    import torch

    torch.set_num_threads(1)
    model = build(layers, checkpointing=arm != "kept")
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4)
    ids = torch.randint(model.get_base_model().config.vocab_size, (1, IDS))
    before, losses, seconds = protocol.peak_bytes(), [], []

    def step() -> None:
        loss = loss_of(model.get_base_model(), ids, arm == "all")
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())

    for _ in range(steps):
        seconds.append(protocol.cpu_seconds(step))
    peak = protocol.peak_bytes()
    trained_numbers = sum(weight.numel() for weight in trained)
    return {
        "seconds": seconds,
        "losses": losses,
        "peak_gib": peak / 2**30,
        "growth_mib": (peak - before) / 2**20,
        "trained": trained_numbers,
        "parameters": sum(weight.numel() for weight in model.parameters()) - trained_numbers,
    }


def main() -> None:
    """Run every arm in its own process and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--arm", choices=ARMS, help="measure this one here and print JSON")
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(measure(options.arm, options.layers, options.steps)))
        return
    found = {}
    with protocol.probed():
        for arm, words in ARMS.items():
            sizes = ["--layers", str(options.layers), "--steps", str(options.steps)]
            command = [sys.executable, __file__, "--arm", arm, *sizes]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[arm] = figures = json.loads(done.stdout.splitlines()[-1])
            times = " and ".join(f"{value:.1f}" for value in figures["seconds"])
            memory = f"peak {figures['peak_gib']:.2f} GiB, {figures['growth_mib']:.0f} MiB of it by stepping"
            print(f"  {words:28s} {times} CPU-s, {memory}, losses {figures['losses']}", flush=True)
    target, everywhere = found["target"], found["all"]
    print(f"  {target['parameters']:,} parameters, {target['trained']:,} trained, {IDS} ids, {TARGETS} targets")
    print(f"  steps: {min(everywhere['seconds']) / min(target['seconds']):.2f} times faster than all positions")
    growth = everywhere["growth_mib"] / target["growth_mib"]
    fastest = {arm: min(figures["seconds"]) for arm, figures in found.items()}
    measured(cpu_s=fastest, time_ratio=fastest["all"] / fastest["target"], growth_ratio=growth)
    measured(**{key: {arm: figures[key] for arm, figures in found.items()} for key in ("peak_gib", "growth_mib")})
    write_results(__file__)
    print(protocol.ratio_line("memory that steps add, all positions over targets", growth, 1.5))


if __name__ == "__main__":
    main()
