"""MusicGen's sampler against transformers' own ``generate``: processor seconds of the same codes from the same weights.

Random weights, captions of 24 tokens, guidance 3, top-k 250, no codec on either side: theirs is ``generate`` of
``MusicgenForCausalLM`` on the decoder that ours samples from, given states and mask of both rows of guidance. Before
anything is timed, both must give the same codes greedily. ``--share`` also tells which part of our step is products with
weights.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from typing import Any

import protocol
from recording import measured, write_results

GUIDANCE, TOP_K, CAPTION, VOCABULARY, CODEBOOKS = 3.0, 250, 24, 2048, 4
AIM = 1.5


def build(width: int, layers: int) -> tuple[Any, Any]:
    """A decoder with random weights and its sizes; heads are 64 wide as published."""
    import torch

    from tunesmith.families.musicgen.config import parse_config
    from tunesmith.families.musicgen.weights import TrainedPart, rebuild_positions

    torch.manual_seed(0)
    decoder = {
        "model_type": "musicgen_decoder",
        "vocab_size": VOCABULARY,
        "num_codebooks": CODEBOOKS,
        "hidden_size": width,
        "ffn_dim": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": width // 64,
    }
    raw = {
        "model_type": "musicgen",
        "decoder": decoder,
        "text_encoder": {"model_type": "t5", "d_model": width},
        "audio_encoder": {"model_type": "encodec", "codebook_size": VOCABULARY},
    }
    config = parse_config(raw, "benchmark")
    network = TrainedPart(config).requires_grad_(False).eval()
    rebuild_positions(network)
    return network, config


def theirs(network: Any, config: Any, text: Any, frames: int, *, greedy: bool = False) -> Any:
    """Codes (B, K, T) by transformers."""
    import torch

    rows, model = len(text), network.decoder
    mask = torch.ones(rows, text.shape[1], dtype=torch.long)
    return model.generate(
        torch.full((rows * CODEBOOKS, 1), config.pad),
        encoder_hidden_states=torch.cat([text, torch.zeros_like(text)]),
        encoder_attention_mask=torch.cat([mask, torch.zeros_like(mask)]),
        max_length=frames + CODEBOOKS,
        do_sample=not greedy,
        top_k=TOP_K,
        guidance_scale=GUIDANCE,
        pad_token_id=config.pad,
        bos_token_id=config.pad,
        eos_token_id=None,
    )


def ours(network: Any, config: Any, text: Any, frames: int, *, greedy: bool = False) -> Any:
    """Codes (B, K, T) by Tunesmith."""
    import torch

    from tunesmith.families.musicgen.sampler import CodeSampler, SamplerConditions, Sampling

    conditions = SamplerConditions(text, torch.ones(text.shape[:2]))
    sampling = Sampling(GUIDANCE, 0.0 if greedy else 1.0, TOP_K)
    return CodeSampler(network, config).sample(conditions, frames, list(range(len(text))), sampling)


def same_codes(network: Any, config: Any, text: Any, frames: int) -> float:
    """The share of greedy codes on which both agree."""
    left, right = (arm(network, config, text, frames, greedy=True) for arm in (theirs, ours))
    assert left.shape == right.shape == (len(text), CODEBOOKS, frames), (left.shape, right.shape)
    return float((left.numpy() == right).mean())


def product_share(network: Any, config: Any, text: Any, frames: int) -> float:
    """Which part of our processor time goes into products with packed weights."""
    from tunesmith.families import few_rows

    spent = 0.0
    plain = few_rows._Packed.__call__

    def timed(self: Any, rows: Any) -> Any:
        nonlocal spent
        made: list[Any] = []
        spent += protocol.cpu_seconds(lambda: made.append(plain(self, rows)))
        return made[0]

    few_rows._Packed.__call__ = timed  # type: ignore[method-assign]
    try:
        whole = protocol.cpu_seconds(lambda: ours(network, config, text, frames))
    finally:
        few_rows._Packed.__call__ = plain  # type: ignore[method-assign]
    return spent / whole


def compare(network: Any, config: Any, width: int, batch: int, options: argparse.Namespace) -> dict[str, float]:
    """Processor seconds of both arms and how they relate."""
    import torch

    text = torch.randn(batch, CAPTION, width)
    agreement = same_codes(network, config, text, 50)
    arms: dict[str, Callable[[], object]] = {
        "theirs": lambda: theirs(network, config, text, options.frames),
        "ours": lambda: ours(network, config, text, options.frames),
    }
    times = protocol.interleave(arms, options.rounds)
    found = protocol.best(times)
    ratio = found["theirs"] / found["ours"]
    print(protocol.ratio_line(f"width {width}, batch {batch}: transformers' generate over ours", ratio, AIM))
    return found | {
        "ratio": ratio,
        "greedy_agreement": agreement,
        "product_share": product_share(network, config, text, options.frames),
        "ms_per_frame": 1e3 * found["ours"] / options.frames,
    }


def main() -> None:
    """Measure every width and batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    found: dict[str, dict[str, dict[str, float]]] = {}
    with protocol.probed():
        for width in options.widths:
            network, config = build(width, options.layers)
            found[str(width)] = {str(b): compare(network, config, width, b, options) for b in options.batches}
            del network
            gc.collect()
    measured(sizes=found, layers=options.layers, frames=options.frames)
    write_results(__file__)


if __name__ == "__main__":
    main()
