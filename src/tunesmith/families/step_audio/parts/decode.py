"""Answers of the Step1 LLM: sampled with a KV cache, every row by its own seed, under the grammar of audio ids.

Shapes: B rows, T tokens, D width, V ids, C candidate ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch

from tunesmith.errors import TunesmithError
from tunesmith.families.few_rows import reordered
from tunesmith.families.step_audio.config import MAX_IDS, TokenIds
from tunesmith.families.step_audio.parts.grammar import WINDOW, Grammar, forbid_repetition, stop_ids
from tunesmith.families.step_audio.parts.kv_cache import KVCache
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM
from tunesmith.texts import msg


@dataclass
class _Row:
    """One answer on its way: at most ``limit`` ids, chosen by ``rngs`` (uniform, one a position)."""

    prompt: Sequence[int]
    limit: int
    rngs: torch.Tensor
    answer: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Rules:
    """How an id is chosen."""

    temperature: float
    top_k: int
    grammar: Grammar | None
    repetition: bool


@torch.inference_mode()
def generate(  # noqa: PLR0913 - prompts with their seeds and lengths, and how to sample
    model: Step1ForCausalLM,
    prompts: Sequence[Sequence[int]],
    *,
    ids: TokenIds,
    seeds: Sequence[int],
    max_new: int | Sequence[int],
    temperature: float = 0.7,
    top_k: int = 0,
    grammar: bool = True,
    repetition_rule: bool = False,
    progress: Callable[[float], None] | None = None,
) -> list[list[int]]:
    """Answer every prompt; a row's answer does not depend on the rows beside it.

    Args:
        model: In eval mode; of a PEFT model its ``get_base_model()``.
        prompts: Ids of every row, up to where the answer begins.
        ids: The checkpoint's audio ids and those that end an answer.
        seeds: One a row.
        max_new: Most ids of an answer, for all rows or of each; prompt and answer together end at ``MAX_IDS``.
        temperature: Divides the logits; 0 takes the likeliest id.
        top_k: Draw among so many of the likeliest ids; 0 among all that are allowed.
        grammar: Allow only what :class:`Grammar` allows.
        repetition_rule: Apply :func:`forbid_repetition`.
        progress: Called with the share of the longest possible answer that is done, at last 1.

    Returns:
        An answer for each prompt, without the id that ended it.

    Raises:
        TunesmithError: when a prompt leaves no room for an answer.
        ValueError: when a prompt is empty.
    """
    limits = [max_new] * len(prompts) if isinstance(max_new, int) else max_new
    asked = zip(prompts, limits, seeds, strict=True)
    rows = [_row(number, prompt, limit, seed) for number, (prompt, limit, seed) in enumerate(asked, 1)]
    rules = _Rules(temperature, top_k, Grammar(ids, model.lm_head.weight.device) if grammar else None, repetition_rule)
    alive = [row for row in rows if row.limit > 0]
    if alive:
        # A single row takes as long by a plain product: reading the weights is all there is to it.
        with reordered(model) if len(alive) > 1 else nullcontext():
            _answer(model, alive, rules, stop_ids(ids), progress or (lambda _share: None))
    return [row.answer for row in rows]


def _answer(
    model: Step1ForCausalLM,
    rows: list[_Row],
    rules: _Rules,
    stops: frozenset[int],
    progress: Callable[[float], None],
) -> None:
    cache = KVCache(model.config, len(rows), max(len(row.prompt) + row.limit for row in rows))
    states_BD = _read_prompts(model, rows, cache)
    longest = max(row.limit for row in rows)
    for position in range(longest):
        chosen = _choose(model.lm_head(states_BD).float(), rows, position, rules)
        unfinished = []
        for index, (row, token) in enumerate(zip(rows, chosen, strict=True)):
            if token in stops:
                continue
            row.answer.append(token)
            if len(row.answer) < row.limit:
                unfinished.append(index)
        if not unfinished:
            break
        progress((position + 1) / longest)
        if len(unfinished) < len(rows):
            rows = [rows[index] for index in unfinished]
            cache.keep(unfinished)
        last_B1 = torch.tensor([row.answer[-1:] for row in rows], device=states_BD.device)
        states_BD = model.hidden(last_B1, cache=cache)[:, -1]
    progress(1.0)


def _read_prompts(model: Step1ForCausalLM, rows: Sequence[_Row], cache: KVCache) -> torch.Tensor:
    """Fill the cache; the state of every prompt's last id (B, D)."""
    lengths_B = torch.tensor([len(row.prompt) for row in rows])
    mask_BT = torch.arange(int(lengths_B.max())) < lengths_B[:, None]
    ids_BT = torch.zeros(mask_BT.shape, dtype=torch.long)
    ids_BT[mask_BT] = torch.tensor([token for row in rows for token in row.prompt])
    device = model.lm_head.weight.device
    states_BTD = model.hidden(ids_BT.to(device), mask_BT.to(device), cache)
    return states_BTD[torch.arange(len(rows), device=device), lengths_B.to(device) - 1]


def _choose(logits_BV: torch.Tensor, rows: Sequence[_Row], position: int, rules: _Rules) -> list[int]:
    """The next id of every row."""
    if rules.repetition:
        logits_BV = torch.cat(
            [
                forbid_repetition(logits_BV[index : index + 1], logits_BV.new_tensor([_recent(row)], dtype=torch.long))
                for index, row in enumerate(rows)
            ]
        )
    if rules.grammar is None:
        return _draw(logits_BV, rows, position, rules)
    allowed_C = rules.grammar.allowed(position)
    picked = _draw(logits_BV[:, allowed_C], rows, position, rules)
    chosen: list[int] = allowed_C[torch.tensor(picked, device=allowed_C.device)].tolist()
    return chosen


def _draw(logits_BC: torch.Tensor, rows: Sequence[_Row], position: int, rules: _Rules) -> list[int]:
    """A candidate for every row: the likeliest, or that on which the row's draw falls."""
    if rules.temperature == 0:
        likeliest: list[int] = logits_BC.argmax(dim=-1).tolist()
        return likeliest
    # On the CPU and in fp64 whatever the model runs on, so that a seed means the same everywhere.
    scores = logits_BC.cpu().double() / rules.temperature
    if 0 < rules.top_k < scores.shape[-1]:
        least = scores.topk(rules.top_k, dim=-1).values[:, -1:]
        scores = scores.masked_fill(scores < least, float("-inf"))
    heights = scores.softmax(dim=-1).cumsum(dim=-1)
    draws_B1 = torch.stack([row.rngs[position] for row in rows])[:, None]
    drawn = torch.searchsorted(heights, draws_B1 * heights[:, -1:], right=True)
    picked: list[int] = drawn.clamp(max=scores.shape[-1] - 1)[:, 0].tolist()
    return picked


def _row(number: int, prompt: Sequence[int], limit: int, seed: int) -> _Row:
    if not prompt:
        raise ValueError(f"prompt {number} is empty")
    room = MAX_IDS - len(prompt)
    if room <= 0:
        raise TunesmithError(
            msg(
                "the prompt has {count} ids and leaves no room for an answer: both together may have {max_ids}",
                count=len(prompt),
                max_ids=MAX_IDS,
            ),
            where=f"prompt {number}",
            remedy=msg("Use a shorter prompt clip."),
        )
    # All draws at once: those of a position then depend on the seed alone, not on how long the answer may get.
    rngs = torch.rand(MAX_IDS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return _Row(prompt, min(limit, room), rngs)


def _recent(row: _Row) -> list[int]:
    return [*row.prompt[-WINDOW:], *row.answer[-WINDOW:]][-WINDOW:]
