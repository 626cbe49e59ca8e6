"""Encoded speech samples to a batch: ids for the LLM, mel, noise and conditions for the flow.

Shapes: B items, T ids, F mel frames, C mel bins, K times, S flow tokens (half as many as frames).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from tunesmith.data.item_rng import ItemRng, key_of
from tunesmith.families.contract import Batch
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.tokens import flow_tokens

Item = Mapping[str, Any]
ABSENT_IDS = np.zeros(1, np.int32)
"""What the cache holds of a prompt for the LLM where the sample lacks the texts for one."""
ABSENT_FRAMES = 1
"""Frames of the mel of a sample without audio; a whole group has more."""
HELD_OUT_TIMES = 4
"""The flow's held-out loss is measured at so many fixed times, the middles of equal shares of what training draws."""
_PREFIX_SHARE = 0.3
"""Longest random beginning that is given as a prompt, as a share of the clip; CosyVoice's."""


def collate(items: Sequence[Item], rngs: Sequence[ItemRng] | None, settings: StepAudioSettings, ids: TokenIds) -> Batch:
    """A batch; its keys are described where the objective reads them.

    Rows are those of ``items``; an item that one network cannot learn from is left out of that network's tensors.
    """
    llm = [row for row, item in enumerate(items) if len(item["ids"]) > 1]
    flow = [row for row, item in enumerate(items) if len(item["mel"]) > ABSENT_FRAMES]
    keyed: Sequence[ItemRng | None] = [None] * len(items) if rngs is None else list(rngs)
    batch: Batch = {"llm_rows": llm, "flow_rows": flow, "denominators": {}}
    _add_llm(batch, [items[row] for row in llm], ids)
    if flow:
        _add_flow(batch, [items[row] for row in flow], [keyed[row] for row in flow], settings, ids)
    return batch


def _add_llm(batch: Batch, items: Sequence[Item], ids: TokenIds) -> None:
    sequences = [np.concatenate([item["ids"], item["codes"], [ids.eot]]).astype(np.int64) for item in items]
    lengths = [len(item["codes"]) + 1 for item in items]
    batch["llm_lengths"], batch["denominators"]["llm"] = lengths, float(sum(lengths))
    if not items:
        return
    longest = max(map(len, sequences))
    padded = np.zeros((len(items), longest), np.int64)
    places = []
    for row, (sequence, length) in enumerate(zip(sequences, lengths, strict=True)):
        padded[row, : len(sequence)] = sequence
        places.append(row * longest + np.arange(len(sequence) - length - 1, len(sequence) - 1))
    batch["llm_ids"] = torch.from_numpy(padded)
    batch["llm_places"] = torch.from_numpy(np.concatenate(places))
    batch["llm_targets"] = torch.from_numpy(
        np.concatenate([sequence[-n:] for sequence, n in zip(sequences, lengths, strict=True)])
    )


def _add_flow(
    batch: Batch, items: Sequence[Item], keyed: Sequence[ItemRng | None], settings: StepAudioSettings, ids: TokenIds
) -> None:
    prompts = [len(item["prompt_mel"]) for item in items]
    mels = [np.concatenate([item["prompt_mel"], item["mel"]]).astype(np.float32) for item in items]
    frames = [len(mel) for mel in mels]
    given = [
        np.where(np.arange(len(mel))[:, None] < _given_frames(rng, prompt, settings), mel, 0).astype(np.float32)
        for mel, prompt, rng in zip(mels, prompts, keyed, strict=True)
    ]
    tokens = [flow_tokens(np.concatenate([item["prompt_codes"], item["codes"]]), ids) for item in items]
    times = np.array([_times(rng, settings) for rng in keyed], np.float32)
    names = ["flow"] if keyed[0] is not None else [f"flow_t{t:.2f}" for t in times[0]]
    target = float(sum(len(item["mel"]) for item in items))
    batch |= {
        "x1": _padded(mels),
        "z": _padded([_noise(mel.shape, rng) for mel, rng in zip(mels, keyed, strict=True)]),
        "cond": _padded(given),
        "mu": _padded([np.asarray(item["mu"], np.float32) for item in items]) if "mu" in items[0] else None,
        "mu_rows": [],
        "flow_tokens": _padded(tokens),
        "token_lengths": torch.tensor([len(rows) for rows in tokens]),
        "prompt_tokens": [prompt // 2 for prompt in prompts],
        "speaker": torch.from_numpy(np.stack([np.asarray(item["speaker"], np.float32) for item in items])),
        "keep": torch.tensor([_keeps(rng, settings.condition_dropout) for rng in keyed]),
        "t": torch.from_numpy(times.T.copy()),
        "frame_mask": _between([0] * len(items), frames) if len(set(frames)) > 1 else None,
        "loss_mask": _between(prompts, frames),
        "flow_names": names,
    }
    batch["denominators"] |= dict.fromkeys(names, target)


def _given_frames(rngs: ItemRng | None, prompt: int, settings: StepAudioSettings) -> int:
    """How many of the first frames the decoder is given: the prompt, as in use, or a random beginning of it."""
    if rngs is None or rngs.generator("prompt").random() < settings.prompt_share:
        return prompt
    generator = rngs.generator("prefix")
    return 0 if generator.random() < 0.5 else int(generator.integers(0, max(1, int(_PREFIX_SHARE * prompt))))


def _times(rngs: ItemRng | None, settings: StepAudioSettings) -> list[float]:
    """Times of an item: one that is drawn, or the fixed ones."""
    drawn = (np.arange(HELD_OUT_TIMES) + 0.5) / HELD_OUT_TIMES if rngs is None else [rngs.generator("time").random()]
    return [1 - float(np.cos(t * np.pi / 2)) if settings.t_schedule == "cosine" else float(t) for t in drawn]


def _noise(shape: tuple[int, ...], rngs: ItemRng | None) -> np.ndarray:
    """An item's noise: drawn for the epoch, or the same for ever when measuring."""
    generator = rngs.generator("noise") if rngs else np.random.Generator(np.random.Philox(key=key_of("held-out")))
    return generator.standard_normal(shape, np.float32)


def _keeps(rngs: ItemRng | None, rate: float) -> float:
    return float(rngs is None or rngs.generator("condition").random() > rate)


def _padded(arrays: Sequence[np.ndarray]) -> torch.Tensor:
    """(B, longest, …), zeros behind the end of each."""
    longest = max(map(len, arrays))
    stacked = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(stacked, arrays, strict=True):
        row[: len(array)] = array
    return torch.from_numpy(stacked)


def _between(begins: Sequence[int], ends: Sequence[int]) -> torch.Tensor:
    """(B, longest) float32: 1 from each begin to each end."""
    places = torch.arange(max(ends))[None]
    return ((places >= torch.tensor(begins)[:, None]) & (places < torch.tensor(ends)[:, None])).float()
