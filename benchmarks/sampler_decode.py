"""MusicGen's sampler against transformers' own ``generate``: processor seconds of the same codes from the same weights.

Random weights, captions of 24 tokens, guidance 3, top-k 250. Theirs is ``generate`` of the composite model around the
decoder that ours samples from, with a T5 of one layer, and with a codec that hands back the codes, so that neither side
decodes audio. Before anything is timed, both must give the same codes greedily. Afterwards one run of ours tells which
part of it is products with weights.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import protocol
from recording import measured, write_results

GUIDANCE, TOP_K, CAPTION, VOCABULARY, CODEBOOKS = 3.0, 250, 24, 2048, 4
AIM = 1.5


def build(width: int, layers: int) -> tuple[Any, Any, Any]:
    """A decoder with random weights, its sizes, and transformers' model around it; heads are 64 wide as published."""
    import torch
    from transformers import MusicgenConfig, MusicgenForConditionalGeneration

    from tunesmith.families.musicgen.config import parse_config
    from tunesmith.families.musicgen.weights import TrainedPart, rebuild_positions

    torch.manual_seed(0)
    decoder = {
        "vocab_size": VOCABULARY,
        "num_codebooks": CODEBOOKS,
        "hidden_size": width,
        "ffn_dim": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": width // 64,
    }
    text = {"model_type": "t5", "d_model": 64, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 4}
    codec = {"model_type": "encodec", "codebook_size": VOCABULARY, "num_filters": 4, "hidden_size": 16}
    raw = {"model_type": "musicgen", "decoder": decoder, "text_encoder": text, "audio_encoder": codec}
    config = parse_config(raw, "benchmark")
    network = TrainedPart(config).requires_grad_(False).eval()
    rebuild_positions(network)
    sizes = {key: value for key, value in raw.items() if key != "model_type"}
    around = MusicgenForConditionalGeneration(MusicgenConfig(**sizes)).requires_grad_(False).eval()
    around.decoder, around.enc_to_dec_proj = network.decoder, network.enc_to_dec_proj
    # What transformers takes by itself; ours calls it directly.
    around.decoder.set_attn_implementation("sdpa")
    around.audio_encoder.decode = lambda codes, **_: SimpleNamespace(audio_values=codes[0])
    return network, config, around


def theirs(around: Any, config: Any, ids: Any, frames: int, *, greedy: bool = False) -> Any:
    """Codes (B, K, T) by transformers."""
    return around.generate(
        input_ids=ids,
        attention_mask=ids.new_ones(ids.shape),
        max_length=frames + CODEBOOKS,
        do_sample=not greedy,
        top_k=TOP_K,
        guidance_scale=GUIDANCE,
        decoder_start_token_id=config.pad,
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


def product_share(network: Any, config: Any, text: Any, frames: int) -> float:
    """Which part of our processor time goes into products with reordered weights."""
    from tunesmith.families import few_rows

    spent = 0.0
    plain = few_rows._Reordered.__call__

    def timed(self: Any, rows: Any) -> Any:
        nonlocal spent
        made: list[Any] = []
        spent += protocol.cpu_seconds(lambda: made.append(plain(self, rows)))
        return made[0]

    few_rows._Reordered.__call__ = timed  # type: ignore[method-assign]
    try:
        whole = protocol.cpu_seconds(lambda: ours(network, config, text, frames))
    finally:
        few_rows._Reordered.__call__ = plain  # type: ignore[method-assign]
    return spent / whole


def compare(built: tuple[Any, Any, Any], batch: int, options: argparse.Namespace) -> dict[str, float]:
    """Processor seconds of both arms and how they relate."""
    import torch

    network, config, around = built
    ids = torch.randint(2, 1000, (batch, CAPTION))
    with torch.no_grad():
        text = around.text_encoder(ids).last_hidden_state
    left, right = theirs(around, config, ids, 50, greedy=True), ours(network, config, text, 50, greedy=True)
    assert (left.numpy() == right).all(), f"both must give the same codes, {(left.numpy() == right).mean():.2%} are"
    arms: dict[str, Callable[[], object]] = {
        "theirs": lambda: theirs(around, config, ids, options.frames),
        "ours": lambda: ours(network, config, text, options.frames),
    }
    times: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(options.rounds):  # the greedy codes above were the unmeasured round
        for name, work in arms.items():
            times[name].append(protocol.cpu_seconds(work))
    found = protocol.best(times)
    ratio = found["theirs"] / found["ours"]
    what = f"width {config.hidden_size}, batch {batch}: transformers' generate over ours"
    print(protocol.ratio_line(what, ratio, AIM), flush=True)
    return {f"{arm}_ms": 1e3 * seconds / options.frames for arm, seconds in found.items()} | {
        "ratio": ratio,
        "product_share": product_share(network, config, text, options.frames // 4),
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
            built = build(width, options.layers)
            found[str(width)] = {str(batch): compare(built, batch, options) for batch in options.batches}
            del built
            gc.collect()
    measured(sizes=found, layers=options.layers, frames=options.frames)
    write_results(__file__)


if __name__ == "__main__":
    main()
