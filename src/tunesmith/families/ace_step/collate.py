"""Encoded items to a batch: per item which text is taken, which conditions are dropped, which noise is drawn.

Shapes: B items, C latent channels, H latent height, T frames, L text tokens, N lyric tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.ace_step.lyrics.sections import window_ids
from tunesmith.families.ace_step.objective import (
    condition_dropout,
    draw_sigma,
    held_out_sigmas,
    item_noise,
    term_weights,
    validity,
    with_padding,
)
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.ace_step.tag_texts import variant
from tunesmith.families.contract import Batch

Item = Mapping[str, np.ndarray]
NO_LYRICS = 0
"""The single id that stands for an item without lyrics; it is masked out, in training as in use."""


def collate(
    items: Sequence[Item], rngs: Sequence[ItemRng] | None, settings: AceStepSettings, ssl_names: Sequence[str] = ()
) -> Batch:
    """A batch of cropped items; see :func:`~tunesmith.families.ace_step.objective.ace_step_loss` for its keys."""
    # The base model's own songs, which forgetting is measured on, have no features to compare with.
    ssl_names = [name for name in ssl_names if all(name in item for item in items)]
    keyed: Sequence[ItemRng | None] = [None] * len(items) if rngs is None else list(rngs)
    latents = [np.asarray(item["latents"], np.float32) for item in items]
    frames = [item_latents.shape[2] for item_latents in latents]
    texts = [chosen_text(item, rng, settings) for item, rng in zip(items, keyed, strict=True)]
    lyrics = [chosen_lyrics(item, rng, settings) for item, rng in zip(items, keyed, strict=True)]
    words = [ids if len(ids) else np.array([NO_LYRICS]) for ids in lyrics]
    speakers = [
        np.asarray(item["speaker"], np.float32) * condition_dropout(rng, "speaker_drop", settings.speaker_dropout)
        for item, rng in zip(items, keyed, strict=True)
    ]
    levels = [held_out_sigmas(settings.shift) if rng is None else (draw_sigma(rng, settings.shift),) for rng in keyed]
    names = ["denoise"] if rngs is not None else [f"sigma_{level:.2f}" for level in levels[0]]
    batch: Batch = {
        "latents": with_padding(latents, 2),
        "noise": with_padding(list(map(item_noise, latents, keyed)), 2),
        "sigmas": torch.tensor(levels, dtype=torch.float32).T.contiguous(),
        "denoise_terms": names,
        "frames": frames,
        "frame_mask": validity(frames) if len(set(frames)) > 1 else None,
        "text": with_padding(texts, 0),
        "text_mask": validity([len(text) for text in texts]),
        "speaker": torch.from_numpy(np.stack(speakers)),
        "lyric_ids": with_padding(words, 0).long(),
        "lyric_mask": validity([len(ids) for ids in words])
        * torch.tensor([float(len(ids) > 0) for ids in lyrics])[:, None],
        "denominators": term_weights([*names, *ssl_names], frames),
        "ssl_weight": settings.ssl_weight,
    }
    for name in ssl_names:
        batch[name] = [torch.from_numpy(np.asarray(item[name], np.float32)) for item in items]
    return batch


def chosen_text(item: Item, rngs: ItemRng | None, settings: AceStepSettings) -> np.ndarray:
    """Text states (L, D) of one of the item's texts; zeroed, in their place, when the tags are dropped."""
    lengths, kinds = item["text_parts"][:, 0], item["text_parts"][:, 1]
    orders = int((kinds == 0).sum())
    index = 0 if rngs is None else variant(orders, len(kinds) - orders, rngs.generator("text_variant"))
    start = int(lengths[:index].sum())
    states = np.asarray(item["text"][start : start + int(lengths[index])], np.float32)
    return states if condition_dropout(rngs, "text_drop", settings.text_dropout) else np.zeros_like(states)


def chosen_lyrics(item: Item, rngs: ItemRng | None, settings: AceStepSettings) -> np.ndarray:
    """Lyric ids (N,) of the item or of its crop; none when it has none or they are dropped."""
    ids = np.asarray(item["lyrics"], np.int64)
    if (len(ids) == 1 and ids[0] == NO_LYRICS) or not condition_dropout(rngs, "lyric_drop", settings.lyric_dropout):
        return ids[:0]
    crop = item.get("crop")
    if crop is None or not settings.lyric_window or crop[1] >= crop[2]:
        return ids
    start, length, total = (int(value) for value in crop)
    sections = np.asarray(item["lyric_sections"], np.int64)
    return window_ids(ids, sections[:, 0].tolist(), sections[:, 1].tolist(), start / total, (start + length) / total)
