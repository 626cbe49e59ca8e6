"""Cost of one more id: Step1 with its cache against reading everything anew with an S x S bias in every layer.

The other arm is what a decoder without a cache does: all tokens through all layers for every id, the bias built again
in each, keys copied for every head. It has the same weights and, like ours, takes the logits of the last token only.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import protocol
from recording import measured, write_results

SIZES = {"384 x 6": (384, 6, 2), "768 x 8": (768, 8, 4)}
"""Width, layers, key/value heads; query heads are 64 wide as published."""
STEPS = 10
"""Cached ids in one measurement: one alone takes a millisecond."""


def build(width: int, layers: int, groups: int) -> Any:
    """A Step1 with random weights."""
    import torch

    from tunesmith.families.step_audio.config import Step1Config
    from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM

    torch.manual_seed(0)
    return Step1ForCausalLM(
        Step1Config(
            hidden_size=width,
            intermediate_size=8 * width // 3,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            num_attention_groups=groups,
            vocab_size=8192,
        )
    ).eval()


def rebuilt(_layer: int, q: Any, k: Any, v: Any) -> Any:
    """Attention that builds its own bias over all pairs of tokens."""
    import torch
    from torch.nn import functional as F

    from tunesmith.families.step_audio.parts.alibi import alibi_bias, alibi_slopes

    positions, repeats = torch.arange(q.shape[2]), q.shape[1] // k.shape[1]
    bias = alibi_bias(alibi_slopes(q.shape[1]), positions, positions)[None]
    k, v = k.repeat_interleave(repeats, dim=1), v.repeat_interleave(repeats, dim=1)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


def per_id(model: Any, length: int, rounds: int) -> dict[str, float]:
    """Processor seconds of the id after ``length`` others, by both."""
    import torch

    from tunesmith.families.step_audio.parts.kv_cache import KVCache

    ids = torch.randint(model.config.vocab_size, (1, length))
    cache = KVCache(model.config, rows=1, capacity=length)
    model.hidden(ids[:, :-1], cache=cache)

    def cached() -> Any:
        cache.lengths = [length - 1]
        return model.lm_head(model.hidden(ids[:, -1:], cache=cache)[:, -1])

    def anew() -> Any:
        return model.lm_head(model.model(ids, rebuilt, False)[:, -1])

    apart = (cached() - anew()).abs().max().item()
    assert apart < 1e-3, f"both must give the same logits, they are {apart:.2g} apart"
    arms = {"cached": lambda: [cached() for _ in range(STEPS)], "anew": anew}
    found = protocol.best(protocol.interleave(arms, rounds))
    return {"cached": found["cached"] / STEPS, "anew": found["anew"]}


def main() -> None:
    """Measure every size at every length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 512, 2048])
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    import torch

    costs, ratios, powers = {}, {}, {}
    with protocol.probed(), torch.inference_mode():
        for name, sizes in SIZES.items():
            model = build(*sizes)
            found = {length: per_id(model, length, options.rounds) for length in options.lengths}
            for length, seconds in found.items():
                ours, theirs = 1e3 * seconds["cached"], 1e3 * seconds["anew"]
                print(
                    f"  {name}, {length:5d} ids: {ours:6.2f} ms cached, {theirs:8.1f} ms anew, {theirs / ours:6.1f} x"
                )
            first, last = min(found), max(found)
            growth = {
                arm: math.log(found[last][arm] / found[first][arm]) / math.log(last / first)
                for arm in ("cached", "anew")
            }
            print(
                f"  {name}: cost grows with the length to the power {growth['cached']:.2f}, anew {growth['anew']:.2f}"
            )
            print(protocol.ratio_line(f"{name}: power of growth", growth["cached"], 1, at_least=False))
            ratio = found[last]["anew"] / found[last]["cached"]
            print(protocol.ratio_line(f"{name}: cost anew over cached at {last} ids", ratio, 79))
            powers[name] = growth
            costs[name] = {str(ids): {arm: 1e3 * cost for arm, cost in arms.items()} for ids, arms in found.items()}
            ratios[name] = {str(ids): arms["anew"] / arms["cached"] for ids, arms in found.items()}
    measured(ms_per_code=costs, ratio=ratios, growth=powers)
    write_results(__file__)


if __name__ == "__main__":
    main()
