"""The honest figures of a pocket ACE-Step: what the codec keeps, what the transformer has learnt, and how it sounds.

Everything is measured on clips that were never trained on, with the stored (16-bit) weights.
Shape legend: C = 2 channels, H = 128 mel bins, F mel frames.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tools.pocket import sound
from tools.pocket.ace_step.assemble import Parts
from tools.pocket.ace_step.batches import MelCorpus
from tools.pocket.ace_step.codec import to_latents, to_mel
from tools.pocket.ace_step.corpus import RATE, clip_mel
from tools.pocket.ace_step.pretrain import held_out
from tools.pocket.ace_step.sample import GUIDANCE, STEPS, sample
from tools.pocket.progress import Advance
from tools.pocket.prompts import HELD_OUT_SEED
from tunesmith.families.ace_step.config import read_config
from tunesmith.families.ace_step.parts.codec import MusicCodec
from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE

CLIPS, FRAMES = 6, 64  # per style; latent frames, 5.9 s
SIGMAS = (0.3, 0.6, 0.9)
DB = 7 * 20 / np.log(10)  # one unit of a normalised mel, in dB
EDGES = (0, 2, 15, 57, 85, 128)  # mel bins at about 40, 120, 500, 2000, 4500 and 16000 Hz
REFERENCES = 12


def numbers(parts: Parts, codec: Any, folder: Path, advance: Advance) -> dict[str, Any]:
    """Everything about sound that ``NUMBERS.md`` states.

    Args:
        parts: Trained, and rounded to what ``folder`` holds.
        codec: The autoencoder, rounded too.
        folder: The finished checkpoint, whose own codec classes make the audio.
        advance: Called with the share done and a note.
    """
    config = read_config(folder)
    player = MusicCodec(folder, config, "cpu")
    judge = Judge()
    styles: dict[str, Any] = {}
    for done, style in enumerate((*BASE_STYLES, EXAMPLE_STYLE)):
        styles[style] = _style(parts, codec, player, judge, style)
        advance((done + 1) / (len(BASE_STYLES) + 1), style)
    modules = {"transformer": parts.transformer, "text encoder": parts.text_encoder, "autoencoder": codec}
    return {
        "parameters": {name: sum(p.numel() for p in module.parameters()) for name, module in modules.items()},
        "caption_tokens": len(parts.tokenizer),
        "lyric_tokens": parts.lyric_tokenizer.get_vocab_size(),
        "sampling": {"steps": STEPS, "guidance": GUIDANCE, "scheduler": "euler", "guidance_type": "cfg"},
        "sigmas": list(SIGMAS),
        "styles": styles,
    }


class Judge:
    """Tells by the sound alone which style a clip is nearest to: mean and movement of every mel bin, standardised."""

    def __init__(self) -> None:
        known = {
            style: np.stack([_features(_mel(style, HELD_OUT_SEED + 100 + n)) for n in range(REFERENCES)])
            for style in (*BASE_STYLES, EXAMPLE_STYLE)
        }
        self.names = list(known)
        self.spread = np.stack([rows.std(axis=0) for rows in known.values()]).mean(axis=0) + 0.02
        self.centres = np.stack([rows.mean(axis=0) for rows in known.values()])

    def nearest(self, mel: torch.Tensor) -> str:
        """The style of a normalised mel (C, H, F)."""
        distance = np.abs((_features(mel) - self.centres) / self.spread).mean(axis=1)
        return self.names[int(distance.argmin())]


def _style(parts: Parts, codec: Any, player: MusicCodec, judge: Judge, style: str) -> dict[str, Any]:
    """Codec error, held-out loss, and real clips through the codec beside clips made from the same captions."""
    made = [clip_mel(style, HELD_OUT_SEED + n, 6.2) for n in range(CLIPS)]
    mels, captions = torch.stack([mel[..., : 8 * FRAMES] for mel, _ in made]), [caption for _, caption in made]
    with torch.no_grad():
        latents = to_latents(codec, mels)
        again = to_mel(codec, latents)
        generated = sample(parts, captions, FRAMES, seed=0)
        imagined = to_mel(codec, generated)
    before, after = _bands(mels), _bands(again)
    return {
        "codec_error_db": round(float((again - mels).abs().mean()) * DB, 2),
        "codec_band_db": [round(b - a, 1) for a, b in zip(before, after, strict=True)],
        "latent_deviation": round(float(latents.std()), 2),
        "held_out_loss": [round(v, 3) for v in held_out(parts, MelCorpus(latents.half(), captions), SIGMAS)],
        "real_judged": _share(judge, again, style),
        "generated_judged": _share(judge, imagined, style),
        "real": _sounds(player, latents),
        "generated": _sounds(player, generated),
    }


def _share(judge: Judge, mels: torch.Tensor, style: str) -> str:
    return f"{sum(judge.nearest(mel) == style for mel in mels)}/{len(mels)}"


def _sounds(player: MusicCodec, latents: torch.Tensor) -> dict[str, float]:
    clips = [player.decode_native(row, overlapped=False).mean(dim=0).numpy() for row in latents]
    return sound.average([sound.measure(clip, RATE) for clip in clips])


def _mel(style: str, seed: int) -> torch.Tensor:
    return clip_mel(style, seed, 6.2)[0][..., : 8 * FRAMES]


def _features(mel: torch.Tensor) -> np.ndarray:
    flat = mel.mean(dim=0).numpy()
    return np.concatenate([flat.mean(axis=1), flat.std(axis=1)])


def _bands(mels: torch.Tensor) -> list[float]:
    """Mean level of the clips between neighbouring ``EDGES``, dB."""
    return [float(mels[:, :, low:high].mean()) * DB for low, high in pairwise(EDGES)]
