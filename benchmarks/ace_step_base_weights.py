"""The frozen base in int8 and NF4 beside the full one: error of the velocity, seconds of a forward pass.

Two random blocks of width 1024, one thread. Needs `pip install "tunesmith[quantised]"`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import protocol
from recording import measured, write_results


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Errors and processor seconds of all three."""
    import torch

    from ace_step_models import checkpoint_config, transformer_config, write_configs, write_transformer
    from tunesmith.families.ace_step.parts.weights import load_transformer
    from tunesmith.families.ace_step.published import published_card
    from tunesmith.families.ace_step.source import REPOSITORY

    torch.set_num_threads(1)
    config = transformer_config(2, 1024)
    write_transformer(write_configs(folder, checkpoint_config(config)), config)
    latents = torch.randn(1, config.in_channels, config.max_height, options.frames)
    time, ones = torch.tensor([500.0]), torch.ones(1, 24)
    text, speaker = torch.randn(1, 24, config.text_embedding_dim), torch.zeros(1, config.speaker_embedding_dim)
    lyrics = torch.randint(0, config.lyric_encoder_vocab_size, (1, 100))
    arms: dict[str, Callable[[], torch.Tensor]] = {}
    for kind in ("full", "int8", "nf4"):
        transformer = load_transformer(folder, config, base_weights=kind)  # type: ignore[arg-type]
        with torch.no_grad():
            conditions = transformer.encode(text, ones, speaker, lyrics, torch.ones(1, 100))
        arms[kind] = torch.no_grad()(partial(transformer.decode, latents, time, conditions))
    with protocol.probed():
        fastest = protocol.best(protocol.interleave(arms, options.rounds))
    full = arms["full"]()
    errors = {kind: float((run() - full).norm() / full.norm()) for kind, run in arms.items()}
    measured(error=errors, forward_over_full={kind: fastest[kind] / fastest["full"] for kind in arms})
    for kind, error in errors.items():
        card = published_card(REPOSITORY, kind)  # type: ignore[arg-type]
        packed = card.packed_bytes if card else 0
        print(f"{kind}: velocity off by {error:.2%}, forward {fastest[kind] / fastest['full']:.2f} of full", end="")
        print(f", {packed / 1e9:.2f} GB packed at the published size" if packed else "")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=323)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(options, Path(name))
    write_results(__file__)


if __name__ == "__main__":
    main()
