"""Decoding: greedy equals no cache, seeds, limits, grammar, repetition rule; rows do not depend on their batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.families.step_audio.tiny_step1 import CONFIG, IDS, random_ids, tiny_step1
from tests.golden_files import golden_tensors
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import GROUP
from tunesmith.families.step_audio.parts.decode import generate
from tunesmith.families.step_audio.parts.grammar import Grammar, forbid_repetition, stop_ids
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM

PROMPTS = [random_ids(n, seed=n).tolist() for n in (13, 4, 9)]


@pytest.fixture(scope="module")
def model() -> Step1ForCausalLM:
    return tiny_step1()


def ending(model: Step1ForCausalLM, push: float) -> Callable[[], None]:
    """Raise the logit of the end by ``push``; call the result to undo it."""

    def raise_end(_module: object, _inputs: object, logits: torch.Tensor) -> torch.Tensor:
        return logits.index_add(-1, torch.tensor([IDS.eot]), torch.full((*logits.shape[:-1], 1), push))

    return model.lm_head.register_forward_hook(raise_end).remove


def greedy_without_cache(model: Step1ForCausalLM, prompt: list[int], new: int, grammar: bool) -> list[int]:
    """Read everything anew for every id."""
    ids, rules = list(prompt), Grammar(IDS)
    for position in range(new):
        with torch.no_grad():
            logits = model(torch.tensor([ids]))[0, -1]
        allowed = rules.allowed(position) if grammar else torch.arange(CONFIG.vocab_size)
        one = int(allowed[logits[allowed].argmax()])
        if one in stop_ids(IDS):
            break
        ids.append(one)
    return ids[len(prompt) :]


@pytest.mark.parametrize("grammar", [True, False])
def test_cached_greedy_equals_uncached(model, grammar):
    answers = generate(model, PROMPTS, ids=IDS, seeds=[0, 0, 0], max_new=12, temperature=0, grammar=grammar)
    assert answers == [greedy_without_cache(model, prompt, 12, grammar) for prompt in PROMPTS]
    assert all(answers)


def test_a_row_does_not_depend_on_its_batch(model):
    # Rows that end at different times leave the batch while others go on.
    undo = ending(model, 1.0)
    together = generate(model, PROMPTS, ids=IDS, seeds=[3, 4, 5], max_new=[40, 30, 20])
    alone = [
        generate(model, [prompt], ids=IDS, seeds=[seed], max_new=40)[0][:limit]
        for prompt, seed, limit in zip(PROMPTS, (3, 4, 5), (40, 30, 20), strict=True)
    ]
    undo()
    assert together == alone
    assert len({len(answer) for answer in together}) > 1


def test_seeds_decide(model):
    first, again, other = generate(model, [PROMPTS[0]] * 3, ids=IDS, seeds=[1, 1, 2], max_new=15)
    assert first == again != other


def test_grammar_holds_whatever_the_model_wants(model):
    # The end is by far the likeliest id, so an answer is as short as the grammar lets it be.
    undo = ending(model, 1e4)
    shortest = generate(model, PROMPTS, ids=IDS, seeds=[1, 2, 3], max_new=50)
    free = generate(model, PROMPTS, ids=IDS, seeds=[1, 2, 3], max_new=50, grammar=False)
    undo()
    assert free == [[], [], []]
    assert [len(answer) for answer in shortest] == [GROUP] * 3
    long = generate(model, PROMPTS, ids=IDS, seeds=[1, 2, 3], max_new=40, temperature=3.0)
    semantic = IDS.audio_base + IDS.vq02
    for answer in long:
        for position, one in enumerate(answer):
            low, high = (IDS.audio_base, semantic) if position % GROUP < 2 else (semantic, IDS.audio_end)
            assert low <= one < high


def test_draws_follow_the_softmax(model):
    with torch.no_grad():
        logits = model(torch.tensor([PROMPTS[0]]))[0, -1]
    allowed = Grammar(IDS).allowed(0)
    expected = (logits[allowed].double() / 2.0).softmax(-1)
    rows = 1000
    drawn = generate(model, [PROMPTS[0]] * rows, ids=IDS, seeds=range(rows), max_new=1, temperature=2.0)
    counts = torch.bincount(torch.tensor(drawn)[:, 0] - IDS.audio_base, minlength=IDS.vq02) / rows
    # Five standard deviations of a share.
    assert ((counts - expected).abs() <= 5 * (expected * (1 - expected) / rows).sqrt() + 1e-9).all()


def test_top_k_leaves_the_likeliest(model):
    with torch.no_grad():
        logits = model(torch.tensor([PROMPTS[0]]))[0, -1]
    two = set(logits.topk(2).indices.tolist())
    seeds = range(60)
    drawn = generate(
        model, [PROMPTS[0]] * 60, ids=IDS, seeds=seeds, max_new=1, temperature=50.0, top_k=2, grammar=False
    )
    assert {one for answer in drawn for one in answer} == two - stop_ids(IDS)


def test_prompt_and_answer_end_at_the_longest_sequence(model, monkeypatch):
    monkeypatch.setattr("tunesmith.families.step_audio.parts.decode.MAX_IDS", 16)
    answers = generate(model, PROMPTS[:2], ids=IDS, seeds=[0, 0], max_new=30)
    assert [len(answer) for answer in answers] == [3, 12]
    with pytest.raises(TunesmithError, match="17 ids and leaves no room"):
        generate(model, [[1] * 17], ids=IDS, seeds=[0], max_new=1)


def test_an_empty_prompt_is_refused(model):
    with pytest.raises(ValueError, match="prompt 2 is empty"):
        generate(model, [[1], []], ids=IDS, seeds=[0, 0], max_new=1)


def test_progress_reaches_one(model):
    shares: list[float] = []
    undo = ending(model, 1e4)
    generate(model, PROMPTS, ids=IDS, seeds=[1, 2, 3], max_new=[20, 10, 0], progress=shares.append)
    undo()
    assert shares == [*(position / 20 for position in range(1, GROUP + 1)), 1.0]


def test_repetition_rule_counts_the_prompt(model):
    one = IDS.audio_base + 3
    prompt = [*random_ids(9, seed=2).tolist(), one, one]
    # Pushed so far that only the rule can keep it away.
    push = torch.zeros(CONFIG.vocab_size)
    push[one] = 1e4
    undo = model.lm_head.register_forward_hook(lambda _module, _inputs, logits: logits + push).remove
    free = generate(model, [prompt], ids=IDS, seeds=[0], max_new=2, temperature=0)[0]
    ruled = generate(model, [prompt], ids=IDS, seeds=[0], max_new=2, temperature=0, repetition_rule=True)[0]
    undo()
    assert free == [one, one]
    assert ruled[0] != one == ruled[1]


def test_golden_repetition_rule():
    golden, _ = golden_tensors("step_audio/small_ops")
    scores, history = golden["rep_scores_in"], golden["rep_history"]
    assert torch.equal(forbid_repetition(scores, history), golden["rep_scores_out"])
    assert torch.equal(forbid_repetition(scores, history[:, :5]), golden["rep_short_out"])
