"""ACE-Step's training objective: rectified flow between music latents and noise, measured on the clean latents.

Shapes: B items, C latent channels (8), H latent height (16), T frames, K noise levels, F features of a compared model.

With x_t = sigma * noise + (1 - sigma) * x0 the network gives a velocity v (noise minus data), so x0 is estimated as
x_t - sigma * v. Upstream compares that estimate with x0, which weighs the velocity's error by sigma squared:
mean (x_t - sigma * v - x0)^2 = sigma^2 * mean (v - (noise - x0))^2.

Source: ``trainer.py`` of ACE-Step (``Pipeline.run_step``); the noise levels are drawn as in "Scaling Rectified Flow
Transformers" (Esser et al. 2024); the projection losses are REPA's (Yu et al. 2024), as in
``ace_step_transformer.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from tunesmith.adapters.attach import unwrap_peft
from tunesmith.data.batches import micro_batches
from tunesmith.data.item_rng import ItemRng, key_of
from tunesmith.families.ace_step.parts.transformer import Conditions
from tunesmith.families.ace_step.sampler.schedule import TRAINING_LEVELS, training_sigmas
from tunesmith.families.contract import Batch
from tunesmith.families.loss_terms import LossTerm, TermSum

HELD_OUT_LEVELS = 4
"""Held-out loss is measured at so many fixed noise levels, the middles of equal shares of what training draws."""
FRAMES_AT_ONCE = 1024
"""Latent frames (of 93 ms) of all noise levels together that pass the network at once when measuring."""


@lru_cache(maxsize=8)
def sigma_table(shift: float) -> np.ndarray:
    """The noise levels that training draws from, (1000,) float32, from 1 down."""
    table: np.ndarray = training_sigmas(shift).numpy()
    return table


def draw_sigma(rng: ItemRng, shift: float) -> float:
    """A noise level: the logistic of a standard normal picks the position in the table."""
    position = 1 / (1 + np.exp(-rng.generator("sigma").standard_normal()))
    return float(sigma_table(shift)[min(TRAINING_LEVELS - 1, int(TRAINING_LEVELS * position))])


@lru_cache(maxsize=8)
def held_out_sigmas(shift: float, count: int = HELD_OUT_LEVELS) -> tuple[float, ...]:
    """Fixed noise levels, one for each of ``count`` equally likely ranges of what training draws; largest first."""
    from scipy.special import expit, ndtri

    middles = expit(ndtri((np.arange(count) + 0.5) / count))
    return tuple(float(sigma_table(shift)[int(TRAINING_LEVELS * middle)]) for middle in middles)


def item_noise(latents_CHT: np.ndarray, rng: ItemRng | None) -> np.ndarray:
    """An item's noise, float32 like its latents: drawn for the epoch, or the same for ever when measuring."""
    shape = latents_CHT.shape
    # Drawn frame by frame, so that a clip's noise does not depend on how long a crop is.
    frames = (shape[2], shape[0], shape[1])
    if rng is None:
        generator = np.random.Generator(np.random.Philox(key=key_of("held-out noise", *shape[:2])))
    else:
        generator = rng.generator("noise")
    return np.ascontiguousarray(generator.standard_normal(frames, np.float32).transpose(1, 2, 0))


def condition_dropout(rng: ItemRng | None, purpose: str, rate: float) -> bool:
    """Whether an item keeps a condition; drawn per item and epoch, always when measuring."""
    return rng is None or bool(rng.generator(purpose).random() >= rate)


def denoise_errors(
    velocity_BCHT: torch.Tensor, batch: Batch, sigma_B: torch.Tensor, mask_BT: torch.Tensor | None
) -> torch.Tensor:
    """Squared error of the estimated clean latents (B, T), averaged over C and H; zero at frames that are not valid."""
    error = (velocity_BCHT.float() - (batch["noise"] - batch["latents"])).square().mean(dim=(1, 2))
    weighted: torch.Tensor = sigma_B[:, None].square() * error
    return weighted if mask_BT is None else weighted * mask_BT


def ace_step_loss(network: Any, batch: Batch, ssl_names: Sequence[str] = ()) -> dict[str, LossTerm]:
    """The loss of a batch by named term.

    ``batch``: latents and noise (B, C, H, T) float32; sigmas (K, B), one row when training, the fixed levels when
    measuring; frame_mask (B, T) or ``None``; text, text_mask, speaker, lyric_ids, lyric_mask; weights by term.

    A term's denominator is its number of valid frames. When measuring there is one term per noise level, named after
    it; their mean is the loss, and each shows where on the way from noise to music the model is good.
    """
    counts = batch["denominators"]
    return {
        name: LossTerm(total_B.sum(), counts[name], **_kind(name, batch, ssl_names))
        for name, total_B in sums_of_terms(network, batch, ssl_names)
    }


def sums_of_terms(network: Any, batch: Batch, ssl_names: Sequence[str]) -> Iterator[tuple[str, torch.Tensor]]:
    """Every term's sum by item (B,): over frames at each noise level, and of the compared models at the first."""
    network = unwrap_peft(network)
    conditions = conditions_of(network, batch)
    compared = [(index, name) for index, name in enumerate(ssl_names) if name in batch]
    taps = tuple(dict.fromkeys(network.config.ssl_encoder_depths[index] for index, _ in compared))
    answers = at_every_level(network, batch, conditions, taps)
    for name, sigma_B, (velocity, hidden) in zip(batch["denoise_terms"], batch["sigmas"], answers, strict=True):
        yield name, denoise_errors(velocity, batch, sigma_B, batch["frame_mask"]).sum(dim=1)
        for index, ssl in compared if name == batch["denoise_terms"][0] else ():
            depth = network.config.ssl_encoder_depths[index]
            yield ssl, projection_sums(network, hidden[depth], index, batch[ssl], batch["frames"])


def _kind(name: str, batch: Batch, ssl_names: Sequence[str]) -> dict[str, Any]:
    """A term's reduction group and weight."""
    return {"reduction_group": "ssl", "weight": batch["ssl_weight"]} if name in ssl_names else {}


def conditions_of(network: Any, batch: Batch) -> Conditions:
    """What the network makes of a batch's text, voice and lyrics."""
    conditions: Conditions = network.encode(
        batch["text"], batch["text_mask"], batch["speaker"], batch["lyric_ids"], batch["lyric_mask"]
    )
    return conditions


def at_every_level(
    network: Any, batch: Batch, conditions: Conditions, taps: Sequence[int]
) -> Iterator[tuple[torch.Tensor, dict[int, torch.Tensor]]]:
    """Velocity (B, C, H, T) and hidden frames by depth at each of a batch's noise levels.

    A short clip that is measured alone passes the network once for all levels: calls of small layers cost more than
    what they compute.
    """
    sigmas_KB, mask = batch["sigmas"], batch["frame_mask"]
    at_once = len(sigmas_KB) if sigmas_KB.numel() * batch["latents"].shape[-1] <= FRAMES_AT_ONCE else 1
    for rows in sigmas_KB.split(at_once):
        times = len(rows)
        sigma = rows[..., None, None, None]
        noisy = (sigma * batch["noise"] + (1 - sigma) * batch["latents"]).flatten(0, 1)
        frame_mask = mask if mask is None or times == 1 else mask.repeat(times, 1)
        repeated = conditions if times == 1 else conditions.repeated(times)
        out = network.decode(noisy, rows.flatten() * TRAINING_LEVELS, repeated, frame_mask, taps=taps)
        velocity, hidden = out if taps else (out, {})
        for row, part in enumerate(velocity.chunk(times)):
            yield part, {depth: frames.chunk(times)[row] for depth, frames in hidden.items()}


def projection_sums(
    network: Any, hidden_BTD: torch.Tensor, index: int, targets: Sequence[torch.Tensor], frames: Sequence[int]
) -> torch.Tensor:
    """1 - cosine between projected hidden frames and a compared model's features, times each item's frames (B,).

    Hidden frames are projected, then interpolated linearly to the features' length (F differs per item).
    """
    sums = []
    for row, (target_FD, count) in enumerate(zip(targets, frames, strict=True)):
        projected = network.project(hidden_BTD[row : row + 1, :count], index).float()
        resized = F.interpolate(projected.transpose(1, 2), size=len(target_FD), mode="linear").transpose(1, 2)[0]
        sums.append(count * (1 - F.cosine_similarity(resized, target_FD.to(resized), dim=-1)).mean())
    return torch.stack(sums)


def measured_together(items: Sequence[Mapping[str, np.ndarray]]) -> list[list[int]]:
    """Rows of items of like length in groups that may pass the network at once when measuring."""
    frames = np.array([item["latents"].shape[2] for item in items], np.int64)
    return micro_batches(range(len(items)), frames, size=max(1, len(items)), token_budget=FRAMES_AT_ONCE)


def at_look(batch: Batch, look: int) -> Batch:
    """A measured batch at some of the noisier half of its levels: all but the noisiest at first, and then that one.

    Which comes first decides how often it is enough, and no judgement: with the noise that is measured with, the pocket
    model tells captions apart at the second noisiest level more often.
    """
    half = (len(batch["denoise_terms"]) + 1) // 2
    levels = slice(1, half) if look == 0 else slice(0, 1)
    return {**batch, "sigmas": batch["sigmas"][levels], "denoise_terms": batch["denoise_terms"][levels]}


def sums_by_item(network: Any, batch: Batch, ssl_names: Sequence[str] = ()) -> list[dict[str, TermSum]]:
    """What :func:`ace_step_loss` sums over a batch, of every item by itself."""
    sums_BN = dict(sums_of_terms(network, batch, ssl_names))
    kinds = [_kind(name, batch, ssl_names) for name in sums_BN]
    totals = torch.stack(list(sums_BN.values()), dim=1).double().tolist()
    return [
        {
            name: TermSum(total, float(count), kind.get("reduction_group", "loss"), kind.get("weight", 1.0))
            for name, total, kind in zip(sums_BN, row, kinds, strict=True)
        }
        for row, count in zip(totals, batch["frames"], strict=True)
    ]


def upside_down(batch: Batch) -> Batch:
    """The same batch with the latents' height reversed: a wrong reading, which must cost more."""
    return {**batch, "latents": batch["latents"].flip(2)}


def zero_velocity_loss(shift: float) -> float:
    """The held-out loss of a model whose velocity is zero, for latents of unit variance: mean 2 sigma^2."""
    return float(np.mean([2 * sigma**2 for sigma in held_out_sigmas(shift)]))


def with_padding(arrays: Sequence[np.ndarray], axis: int) -> torch.Tensor:
    """Stack arrays that differ in length along ``axis``, right-padded with zeros; float16 becomes float32."""
    longest = max(array.shape[axis] for array in arrays)
    kind = np.float32 if arrays[0].dtype == np.float16 else arrays[0].dtype
    shape = list(arrays[0].shape)
    shape[axis] = longest
    stacked = np.zeros((len(arrays), *shape), kind)
    for row, array in zip(stacked, arrays, strict=True):
        window = [slice(None)] * array.ndim
        window[axis] = slice(0, array.shape[axis])
        row[tuple(window)] = array
    return torch.from_numpy(stacked)


def validity(lengths: Sequence[int]) -> torch.Tensor:
    """(B, longest) float32: 1 up to each length."""
    return (torch.arange(max(lengths))[None] < torch.tensor(list(lengths))[:, None]).float()


def term_weights(names: Sequence[str], frames: Sequence[int]) -> Mapping[str, float]:
    """Every term counts the valid frames of its batch."""
    return dict.fromkeys(names, float(sum(frames)))
