"""What the pocket ACE-Step is pretrained on: cached latents, cut into batches with captions, lyrics and noise.

Shape legend: B batch, L tokens of text or lyrics, T latent frames; latents (B, 8, 16, T).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tools.pocket.ace_step.codec import to_latents
from tools.pocket.ace_step.tokenizers import lyric_ids, make_lyrics
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.ace_step.sampler.schedule import training_sigmas

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from tools.pocket.ace_step.assemble import Parts
    from tools.pocket.ace_step.corpus import RenderedSongs
    from tools.pocket.progress import Advance

SHAPES = ((64, 16), (96, 10), (126, 8))  # (latent frames, clips) of a batch
TEXT_DROPOUT, LYRIC_DROPOUT = 0.15, 0.15
LYRIC_SHARE = 0.2  # of clips that get lyrics, although nothing in them is sung
SHIFT = 3.0


@dataclass(frozen=True)
class MelCorpus:
    """Latents (clips, 8, 16, T), float16, with one caption each."""

    latents: torch.Tensor
    captions: list[str]


@dataclass(frozen=True)
class PretrainBatch:
    """What one update sees; ``text_kept`` (B,) is 0 where the text's states are zeroed."""

    latents: torch.Tensor
    noise: torch.Tensor
    sigma: torch.Tensor
    text: torch.Tensor
    text_mask: torch.Tensor
    text_kept: torch.Tensor
    lyrics: torch.Tensor
    lyric_mask: torch.Tensor


@torch.no_grad()
def make_corpus(codec: Any, songs: RenderedSongs, clips: Sequence[int], advance: Advance) -> MelCorpus:
    """Latents of some clips of ``songs``."""
    parts = []
    for first in range(0, len(clips), 4):
        rows = [songs.mels[clip].astype(np.float32) for clip in clips[first : first + 4]]
        parts.append(to_latents(codec, torch.from_numpy(np.stack(rows))).half())
        advance((first + len(rows)) / len(clips), f"{first + len(rows)} of {len(clips)} clips")
    return MelCorpus(torch.cat(parts), [songs.captions[clip] for clip in clips])


def make_batch(parts: Parts, corpus: MelCorpus, seed: int, number: int) -> PretrainBatch:
    """Batch ``number``: crops, captions with shuffled tags, sometimes lyrics, noise and its levels."""
    rngs = ItemRng(seed, number, "pocket ace").generator("batch")
    frames, rows = SHAPES[number % len(SHAPES)]
    frames = min(frames, corpus.latents.shape[-1])
    clips = rngs.integers(0, len(corpus.captions), rows)
    starts = rngs.integers(0, corpus.latents.shape[-1] - frames + 1, rows)
    latents = torch.stack([corpus.latents[c, ..., s : s + frames] for c, s in zip(clips, starts, strict=True)]).float()
    text = parts.tokenizer([_vary(corpus.captions[c], rngs) for c in clips], padding=True, return_tensors="pt")
    levels = training_sigmas(SHIFT)
    share = 1 / (1 + np.exp(-rngs.standard_normal(rows)))
    lyrics, mask = _lyrics(parts.lyric_tokenizer, rows, rngs)
    return PretrainBatch(
        latents=latents,
        noise=torch.from_numpy(rngs.standard_normal(latents.shape, dtype=np.float32)),
        sigma=levels[torch.from_numpy((1000 * share).astype(np.int64)).clamp(max=999)],
        text=text.input_ids,
        text_mask=text.attention_mask,
        text_kept=torch.from_numpy((rngs.random(rows) >= TEXT_DROPOUT).astype(np.float32)),
        lyrics=lyrics,
        lyric_mask=mask,
    )


def _vary(caption: str, rngs: np.random.Generator) -> str:
    """The tags in a drawn order, some of the later ones left out, so that short prompts are known too."""
    head, *rest = caption.split(", ")
    kept = [head, *(tag for tag in rest if rngs.random() < 0.85)]
    return ", ".join(kept[n] for n in rngs.permutation(len(kept)))


def _lyrics(tokenizer: Tokenizer, rows: int, rngs: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask (B, L): most rows have none, which is one zero under a mask of zero."""
    ids = []
    for _ in range(rows):
        text = make_lyrics(rngs) if rngs.random() < LYRIC_SHARE else ""
        kept = bool(text) and rngs.random() >= LYRIC_DROPOUT
        ids.append(lyric_ids(tokenizer, text) if kept else [])
    longest = max(1, *map(len, ids))
    padded, mask = torch.zeros(rows, longest, dtype=torch.long), torch.zeros(rows, longest)
    for row, known in enumerate(ids):
        padded[row, : len(known)] = torch.tensor(known, dtype=torch.long)
        mask[row, : len(known)] = 1
    return padded, mask
