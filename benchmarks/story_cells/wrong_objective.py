"""Runs ``tunesmith`` with an objective that is wrong in one way, as trainers have been.

    python benchmarks/story_cells/wrong_objective.py no_delay train runs/x

Padding in the loss: every clip is filled up with silence to twice its length, and the silence is a target. No delay:
codebooks are trained side by side. Sign of the noise: the velocity points from noise to music. Wrong shift: the network
is told another noise level than the mix has. Wrong token offset: codes of the second codebook lie where the first one's
are. Loss on the prompt: everything that the model reads is a target too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tunesmith.cli.main import main
from tunesmith.families.loss_terms import LossTerm


def padding() -> None:
    """MusicGen: silence behind every clip, trained on."""
    from tunesmith.families.musicgen import training
    from tunesmith.families.musicgen.frontend import audio_codes
    from tunesmith.families.musicgen.objective import term_weights
    from tunesmith.families.musicgen.weights import load_codec

    plain = training.MusicGenObjective.collate
    silence: list[np.ndarray] = []

    def collate(self: Any, items: Any, rngs: Any) -> Any:
        config = self.checkpoint.config
        if not silence:
            codec = load_codec(self.checkpoint.folder, config)
            quiet = np.zeros((config.channels, 8 * config.sample_rate), np.float32)
            silence.append(audio_codes(codec, config, quiet))
        longest = 2 * max(item["codes"].shape[1] for item in items)
        padded = []
        for item in items:
            missing = longest - item["codes"].shape[1]
            codes = np.concatenate([item["codes"], silence[0][:, :missing]], axis=1)
            padded.append({**item, "codes": codes})
        batch = plain(self, padded, rngs)
        batch["denominators"] = term_weights(batch["frames"], config.delays)
        return batch

    training.MusicGenObjective.collate = collate  # type: ignore[method-assign]


def no_delay() -> None:
    """MusicGen: the parallel layout."""
    from tunesmith.families.musicgen.training import MusicGenObjective

    def loss(self: Any, networks: Any, batch: Any, rngs: Any) -> dict[str, LossTerm]:
        return dict(self.sanity_variants()["layout"](networks, batch))

    def loss_of_batch(collate: Callable[..., Any]) -> Callable[..., Any]:
        def undelayed(self: Any, items: Any, rngs: Any) -> Any:
            from tunesmith.families.musicgen.objective import term_weights

            batch = collate(self, items, rngs)
            none = (0,) * self.checkpoint.config.num_codebooks
            batch["denominators"] = term_weights(batch["frames"], none)
            return batch

        return undelayed

    MusicGenObjective.loss = loss  # type: ignore[method-assign]
    MusicGenObjective.collate = loss_of_batch(MusicGenObjective.collate)  # type: ignore[method-assign]


def noise_sign() -> None:
    """ACE-Step: data minus noise."""
    from tunesmith.families.ace_step import objective

    def denoise_errors(velocity: torch.Tensor, batch: Any, sigma_B: torch.Tensor, mask_BT: Any) -> torch.Tensor:
        error = (velocity.float() - (batch["latents"] - batch["noise"])).square().mean(dim=(1, 2))
        weighted = sigma_B[:, None].square() * error
        return weighted if mask_BT is None else weighted * mask_BT

    objective.denoise_errors = denoise_errors


def wrong_shift() -> None:
    """ACE-Step: the mix has the shifted noise level, and the network is told the one before the shift."""
    from tunesmith.families.ace_step import objective

    plain, shift = objective.unwrap_peft, 3.0

    class Misinformed:
        def __init__(self, network: Any) -> None:
            self.network = network

        def __getattr__(self, name: str) -> Any:
            return getattr(self.network, name)

        def decode(self, noisy: torch.Tensor, levels: torch.Tensor, *rest: Any, **named: Any) -> Any:
            sigma = levels / objective.TRAINING_LEVELS
            before = sigma / (shift - (shift - 1) * sigma)
            return self.network.decode(noisy, before * objective.TRAINING_LEVELS, *rest, **named)

    objective.unwrap_peft = lambda network: Misinformed(plain(network))


def token_offset() -> None:
    """Step-Audio: ids of the second codebook without their offset."""
    from tunesmith.families.step_audio import training

    plain = training.StepAudioObjective.collate

    def collate(self: Any, items: Any, rngs: Any) -> Any:
        batch, ids = plain(self, items, rngs), self.checkpoint.ids
        first = ids.audio_base + ids.vq02
        for name in ("llm_ids", "llm_targets"):
            read = batch[name]
            batch[name] = torch.where((read >= first) & (read < ids.audio_end), read - ids.vq02, read)
        return batch

    training.StepAudioObjective.collate = collate  # type: ignore[method-assign]


def prompt_loss() -> None:
    """Step-Audio: prompt and answer are targets."""
    from tunesmith.families.step_audio import training

    plain = training.StepAudioObjective.collate

    def collate(self: Any, items: Any, rngs: Any) -> Any:
        batch = plain(self, items, rngs)
        rows = [
            np.concatenate([items[r]["ids"], items[r]["codes"], [self.checkpoint.ids.eot]]) for r in batch["llm_rows"]
        ]
        longest = batch["llm_ids"].shape[1]
        places = [row * longest + np.arange(len(read) - 1) for row, read in enumerate(rows)]
        batch["llm_places"] = torch.from_numpy(np.concatenate(places))
        batch["llm_targets"] = torch.from_numpy(np.concatenate([read[1:] for read in rows]).astype(np.int64))
        batch["llm_lengths"] = [len(read) - 1 for read in rows]
        batch["denominators"]["llm"] = float(sum(batch["llm_lengths"]))
        return batch

    training.StepAudioObjective.collate = collate  # type: ignore[method-assign]


WRONG = {
    "padding": padding,
    "no_delay": no_delay,
    "noise_sign": noise_sign,
    "wrong_shift": wrong_shift,
    "token_offset": token_offset,
    "prompt_loss": prompt_loss,
}

if __name__ == "__main__":
    WRONG[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
