"""Both training objectives of Step-Audio-EditX: cross-entropy of audio ids, and conditional flow matching of mel.

Shapes: B items, T ids, D width, N answer ids of all items, V vocabulary, F mel frames (50 a second), C mel bins,
K times, S flow tokens (25 a second).

The LLM is trained on the audio ids of the answer and the ``<|EOT|>`` after them, never on the prompt; its logits are
taken at those places only, because a head of 74,752 ids over all places would be the peak of the memory.

The flow's decoder is trained on the velocity u = x1 - (1 - s) z at y = (1 - (1 - s) t) z + t x1, where x1 is the mel
of prompt and target one after the other, z noise, t uniform in 0..1 and s = 1e-6. Its conditions are the encoder's
output mu for the codes of both, the prompt's speaker vector and the prompt's mel; the loss is taken on the target's
frames. A share of the items loses all conditions at once, which classifier-free guidance needs.

Source: Lipman et al., "Flow Matching for Generative Modeling" (2022), and ``flow_matching.py`` of CosyVoice
(``ConditionalCFM.compute_loss``), whose inference the released flow is made for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.adapters.attach import unwrap_peft
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.contract import Batch
from tunesmith.families.loss_terms import LossTerm
from tunesmith.families.step_audio.config import FLOW, GROUP, LLM, TokenIds
from tunesmith.families.step_audio.parts.flow import Flow
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.tokens import flow_tokens

SIGMA_MIN = 1e-6

Velocity = Callable[..., torch.Tensor]
"""(x_BCF, mask_B1F or None, mu_BCF, t_B, spk_BC, cond_BCF) -> (B, C, F)."""


def step_audio_loss(
    networks: Mapping[str, nn.Module],
    batch: Batch,
    rngs: Sequence[ItemRng] | None,
    settings: StepAudioSettings,
    ids: TokenIds,
) -> dict[str, LossTerm]:
    """The terms of the networks that are there, each averaged over what its own clips hold.

    Where both are there (the joint stage) their losses are weighed, and while training the flow of a share of the clips
    gets codes sampled by the LLM. They are sampled place by place with the true codes before them: that is how the LLM
    errs, and they stay as long as the mel that they are to become.
    """
    together = LLM in networks and FLOW in networks
    terms: dict[str, LossTerm] = {}
    sampled: dict[int, np.ndarray] = {}
    if LLM in networks and batch["llm_rows"]:
        logits_NV = answer_logits(unwrap_peft(networks[LLM]), batch)
        targets_N = batch["llm_targets"]
        count = batch["denominators"]["llm"]
        weight = settings.llm_weight if together else 1.0
        terms["llm"] = LossTerm(F.cross_entropy(logits_NV.float(), targets_N, reduction="sum"), count, LLM, weight)
        if rngs is None:
            right = (logits_NV.argmax(-1) == targets_N).sum().float()
            terms["llm_accuracy"] = LossTerm(right, count, "accuracy", 0.0)
        elif together:
            sampled = sampled_codes(logits_NV.detach(), batch, rngs, settings, ids)
    if FLOW in networks and batch["flow_rows"]:
        weight = settings.flow_weight if together else 1.0
        terms |= flow_terms(
            unwrap_peft(networks[FLOW]), with_codes(batch, sampled, ids), weight, frozen=settings.freeze_encoder
        )
    return terms


# --- the LLM --------------------------------------------------------------------------------------------------------


def answer_logits(llm: Step1ForCausalLM, batch: Batch) -> torch.Tensor:
    """Logits (N, V) at every place whose next id is one of an answer, all items one after the other."""
    states_BTD = llm.hidden(batch["llm_ids"])  # padded on the right, which nothing before it sees
    logits: torch.Tensor = llm.lm_head(states_BTD.flatten(0, 1)[batch["llm_places"]])
    return logits


def sampled_codes(
    logits_NV: torch.Tensor, batch: Batch, rngs: Sequence[ItemRng], settings: StepAudioSettings, ids: TokenIds
) -> dict[int, np.ndarray]:
    """LLM ids by item for those whose flow gets sampled codes in this epoch, from the codebook whose turn it is."""
    sampled, begin = {}, 0
    temperature = max(settings.temperature, 1e-3)
    for row, length in zip(batch["llm_rows"], batch["llm_lengths"], strict=True):
        places = slice(begin, begin + length - 1)  # without the place of <|EOT|>
        begin += length
        if row not in batch["flow_rows"] or rngs[row].generator("sampled").random() >= settings.sampled_share:
            continue
        audio = logits_NV[places, ids.audio_base : ids.audio_end].float().cpu().numpy() / temperature
        turns = np.arange(length - 1) % GROUP < 2
        noise = rngs[row].generator("sampled codes").gumbel(size=audio.shape)
        allowed = (np.arange(audio.shape[1])[None] < ids.vq02) == turns[:, None]
        sampled[row] = ids.audio_base + np.where(allowed, audio + noise, -np.inf).argmax(1)
    return sampled


def with_codes(batch: Batch, codes: Mapping[int, np.ndarray], ids: TokenIds) -> Batch:
    """The batch with other codes for the targets of some items, whose encoder output is then made anew."""
    if not codes:
        return batch
    tokens, mu_rows = batch["flow_tokens"].clone(), []
    for place, row in enumerate(batch["flow_rows"]):
        if row in codes:
            begin = int(batch["prompt_tokens"][place])
            made = torch.from_numpy(flow_tokens(codes[row], ids)).to(tokens)
            tokens[place, begin : begin + len(made)] = made
            mu_rows.append(place)
    return {**batch, "flow_tokens": tokens, "mu_rows": mu_rows}


# --- the flow -------------------------------------------------------------------------------------------------------


def flow_terms(flow: Flow, batch: Batch, weight: float, *, frozen: bool) -> dict[str, LossTerm]:
    """The flow's error; one term when training, one for each of the fixed times when measuring."""
    mu_BFC = conditions(flow, batch, frozen=frozen)
    spk_BC = flow.speaker(batch["speaker"])
    keep_B = batch["keep"]
    mu, cond = (mu_BFC * keep_B[:, None, None]).mT, (batch["cond"] * keep_B[:, None, None]).mT
    spk = spk_BC * keep_B[:, None]  # after the affine: no condition is zero, not the affine's bias
    mask_B1F = None if batch["frame_mask"] is None else batch["frame_mask"][:, None]
    terms = {}
    for name, t_B in zip(batch["flow_names"], batch["t"], strict=True):
        total = velocity_error(
            flow.velocity, batch["x1"].mT, batch["z"].mT, t_B, (mask_B1F, mu, spk, cond), batch["loss_mask"][:, None]
        )
        terms[name] = LossTerm(total, batch["denominators"][name], FLOW, weight)
    return terms


def conditions(flow: Flow, batch: Batch, *, frozen: bool) -> torch.Tensor:
    """The encoder's output (B, F, C): the kept one, made anew where the codes differ, or all of it with gradients."""
    lengths_B = batch["token_lengths"]
    flow.encoder.eval()  # its dropout would make an item's loss depend on the others, and a frozen part noisy
    if not frozen:
        return flow.mu(batch["flow_tokens"], lengths_B)[0]
    mu_BFC: torch.Tensor = batch["mu"]
    if rows := batch["mu_rows"]:
        with torch.no_grad():
            made, _ = flow.mu(batch["flow_tokens"][rows], lengths_B[rows])
        mu_BFC = mu_BFC.clone()
        mu_BFC[rows] = made.to(mu_BFC)
    return mu_BFC


def velocity_error(
    velocity: Velocity,
    x1_BCF: torch.Tensor,
    z_BCF: torch.Tensor,
    t_B: torch.Tensor,
    given: tuple[torch.Tensor | None, torch.Tensor, torch.Tensor, torch.Tensor],
    loss_mask_B1F: torch.Tensor,
) -> torch.Tensor:
    """Squared error of the velocity, averaged over the mel bins and summed over the frames of the loss mask.

    Args:
        velocity: The network.
        x1_BCF: Mel.
        z_BCF: Noise.
        t_B: Times, 0 (noise) to 1 (mel).
        given: Frame mask (B, 1, F) or ``None``, mu (B, C, F), speaker (B, C) and prompt mel (B, C, F).
        loss_mask_B1F: 1 for the frames that count.
    """
    mask, mu, spk, cond = given
    t = t_B[:, None, None]
    y = (1 - (1 - SIGMA_MIN) * t) * z_BCF + t * x1_BCF
    u = x1_BCF - (1 - SIGMA_MIN) * z_BCF
    error = (velocity(y, mask, mu, t_B, spk, cond).float() - u).square()
    return (error * loss_mask_B1F).sum() / x1_BCF.shape[1]


def backwards(batch: Batch) -> Batch:
    """The same batch with every target backwards in time, group by group: a wrong reading, which must cost more."""
    wrong = dict(batch)
    if batch["llm_rows"]:
        wrong |= {"llm_ids": batch["llm_ids"].clone(), "llm_targets": batch["llm_targets"].clone()}
        flat, begin = wrong["llm_ids"].view(-1), 0
        for length in batch["llm_lengths"]:
            codes = slice(begin, begin + length - 1)  # <|EOT|> stays the last
            turned = batch["llm_targets"][codes].view(-1, GROUP).flip(0).flatten()
            wrong["llm_targets"][codes] = turned
            flat[batch["llm_places"][codes] + 1] = turned
            begin += length
    if batch["flow_rows"]:
        wrong["x1"] = batch["x1"].clone()
        for row, counted in zip(wrong["x1"], batch["loss_mask"].bool(), strict=True):
            row[counted] = row[counted].flip(0)
    return wrong
