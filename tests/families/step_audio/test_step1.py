"""Step1 with padding on any side, in chunks, from a cache, under LoRA; and against transformers' Llama."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.attention.flex_attention import flex_attention

from tests.families.step_audio.test_golden_step1 import reference, reference_config
from tests.families.step_audio.tiny_step1 import CONFIG, random_ids, tiny_step1
from tests.golden_files import part
from tunesmith.families.step_audio.config import MelConfig, Step1Config
from tunesmith.families.step_audio.parts import attention, fbank, mel
from tunesmith.families.step_audio.parts.alibi import alibi_bias, alibi_slopes, bias_of_reversed_keys, distance_table
from tunesmith.families.step_audio.parts.attention import FlexAttention, FullAttention, flex_fits
from tunesmith.families.step_audio.parts.fbank import kaldi_fbank
from tunesmith.families.step_audio.parts.kv_cache import KVCache
from tunesmith.families.step_audio.parts.mel import log_mel
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM


@pytest.fixture(scope="module")
def model() -> Step1ForCausalLM:
    return tiny_step1()


def padded(rows: list[torch.Tensor], side: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows in one batch with their mask; padding is any id, not zeros."""
    width = max(len(row) for row in rows)
    ids, mask = random_ids(len(rows), width, seed=9), torch.zeros(len(rows), width, dtype=torch.bool)
    for index, row in enumerate(rows):
        start = 0 if side == "right" else width - len(row)
        ids[index, start : start + len(row)] = row
        mask[index, start : start + len(row)] = True
    return ids, mask


def naive_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Softmax of scores plus bias, every head with its own copy of the keys."""
    positions, repeats = torch.arange(q.shape[2]), q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(repeats, dim=1), v.repeat_interleave(repeats, dim=1)
    scores = q @ k.mT / q.shape[-1] ** 0.5 + alibi_bias(alibi_slopes(q.shape[1]), positions, positions)
    return scores.softmax(dim=-1) @ v


@pytest.mark.parametrize("side", ["left", "right"])
@torch.no_grad()
def test_padded_equals_single(model, side):
    rows = [random_ids(length, seed=length) for length in (11, 4, 17)]
    ids, mask = padded(rows, side)
    states = model.hidden(ids, mask)
    for index, row in enumerate(rows):
        torch.testing.assert_close(states[index, mask[index]], model.hidden(row[None])[0], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_row_of_padding_is_finite(model):
    mask = torch.ones(2, 7, dtype=torch.bool)
    mask[1] = False
    assert model(random_ids(2, 7), mask).isfinite().all()


def test_the_bias_of_a_chunk_is_a_view_of_its_table():
    slopes, length, start, end = alibi_slopes(6), 40, 8, 24
    table = distance_table(slopes, length, torch.float32)
    bias = bias_of_reversed_keys(table, start, end)
    expected = alibi_bias(slopes, torch.arange(start, end), torch.arange(end - 1, -1, -1))
    assert torch.equal(bias[0], expected)
    assert bias.untyped_storage().data_ptr() == table.untyped_storage().data_ptr()


def test_a_mask_with_a_hole_is_refused(model):
    with pytest.raises(ValueError, match="between its tokens"):
        model.hidden(random_ids(1, 4), torch.tensor([[True, False, True, True]]))


@pytest.mark.parametrize("length", [1, 5, 16, 23])
def test_chunked_attention_equals_naive_with_gradients(monkeypatch, length):
    monkeypatch.setattr(attention, "QUERY_CHUNK", 8)
    torch.manual_seed(length)
    heads, groups, width = 6, 2, 8
    inputs = [torch.randn(2, n, length, width, requires_grad=True) for n in (heads, groups, groups)]
    ours = FullAttention(alibi_slopes(heads), length)(0, *inputs)
    theirs = naive_attention(*inputs)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    probe = torch.randn_like(ours)
    for mine, other in zip(
        torch.autograd.grad(ours, inputs, probe), torch.autograd.grad(theirs, inputs, probe), strict=True
    ):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_flex_attention_adds_the_same_bias():
    torch.manual_seed(0)
    heads, groups, length, width = 6, 2, 19, 16
    q, k, v = (torch.randn(2, n, length, width) for n in (heads, groups, groups))
    # Uncompiled, which a CPU can do.
    ours = FlexAttention(alibi_slopes(heads), length, kernel=flex_attention)(0, q, k, v)
    torch.testing.assert_close(ours, naive_attention(q, k, v), atol=1e-5, rtol=0)


def test_what_is_kept_from_inference_serves_training():
    """Both are cached by size; what inference mode made could not be saved for a backward pass."""
    for kept in (attention._causal_mask, mel._constants, fbank._window, fbank._filters):
        kept.cache_clear()
    with torch.inference_mode():
        mask = FlexAttention(alibi_slopes(6), 21, kernel=flex_attention)._mask
        log_mel(torch.zeros(1, 4_000), MelConfig())
        kaldi_fbank(torch.zeros(4_000), n_mels=80, window="hamming")
    assert FlexAttention(alibi_slopes(6), 21, kernel=flex_attention)._mask is mask
    tensors = [mask.kv_num_blocks, mask.kv_indices, *mel._constants(MelConfig()), fbank._window("hamming")]
    assert fbank._filters.cache_info().currsize == 1
    assert not any(tensor.is_inference() for tensor in tensors)


def test_flex_attention_is_for_cuda_and_its_head_widths():
    assert flex_fits(torch.device("cuda"), Step1Config().head_dim)
    assert not flex_fits(torch.device("cuda"), 24)
    assert not flex_fits(torch.device("cpu"), Step1Config().head_dim)


@torch.no_grad()
def test_cached_states_equal_whole_ones_in_a_left_padded_batch(model):
    rows, later = [random_ids(n, seed=n) for n in (9, 3, 6)], random_ids(3, 5, seed=1)
    cache = KVCache(CONFIG, rows=3, capacity=14)
    first = model.hidden(*padded(rows, "left"), cache)[:, -1:]
    pieces = [model.hidden(later[:, :1], cache=cache), model.hidden(later[:, 1:4], cache=cache)]
    cache.keep([2, 0])
    last = model.hidden(later[[2, 0], 4:], cache=cache)
    states = torch.cat([first, *pieces], dim=1)
    for index, row in enumerate(rows):
        whole = model.hidden(torch.cat([row, later[index]])[None])[0, len(row) - 1 :]
        torch.testing.assert_close(states[index], whole[:-1], atol=1e-5, rtol=0)
        if index != 1:
            torch.testing.assert_close(last[[2, 0].index(index), 0], whole[-1], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_full_cache_is_refused(model):
    cache = KVCache(CONFIG, rows=1, capacity=6)
    model.hidden(random_ids(1, 5), cache=cache)
    with pytest.raises(ValueError, match="room for 6 tokens, not for 7"):
        model.hidden(random_ids(1, 2), cache=cache)
    with pytest.raises(ValueError, match="belongs to the prompt"):
        model.hidden(random_ids(1, 1), torch.ones(1, 1), cache)


def test_checkpointing_gives_the_same_gradients(model):
    gradients = []
    for checkpointing in (False, True):
        model.gradient_checkpointing = checkpointing
        model.zero_grad()
        model(random_ids(2, 9)).square().mean().backward()
        gradients.append([weight.grad.clone() for weight in model.parameters()])
    model.gradient_checkpointing = False
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_lora_trains_through_hidden():
    from peft import LoraConfig, get_peft_model

    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    lora = LoraConfig(r=2, target_modules=targets, init_lora_weights=False)
    wrapped = get_peft_model(copy.deepcopy(tiny_step1()), lora)
    base = wrapped.get_base_model()
    base.gradient_checkpointing = True
    ids, mask = padded([random_ids(8), random_ids(5)], "left")
    states = base.hidden(ids, mask)
    assert not torch.allclose(states, tiny_step1().hidden(ids, mask))
    states.sum().backward()
    trained = [weight for weight in wrapped.parameters() if weight.requires_grad]
    assert len(trained) == 2 * len(targets) * CONFIG.num_hidden_layers
    assert all(weight.grad.abs().sum() > 0 for weight in trained if weight.grad is not None)
    assert all(weight.grad is not None for weight in trained)


def test_bf16_and_autocast_stay_close(model):
    ids = random_ids(2, 20)
    with torch.no_grad():
        exact = model(ids)
        halved = copy.deepcopy(model).bfloat16()(ids)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = model(ids)
    for logits in (halved, mixed):
        assert logits.dtype == torch.bfloat16
        assert (logits.float() - exact).abs().max() < 0.05 * exact.abs().max()


def test_the_meta_device_has_shapes():
    with torch.device("meta"):
        logits = Step1ForCausalLM(CONFIG)(torch.zeros(2, 300, dtype=torch.long))
    assert logits.shape == (2, 300, CONFIG.vocab_size)


def as_llama(config: Step1Config, state: dict[str, torch.Tensor]) -> nn.Module:
    """The same weights in transformers' Llama, its rotation turned off."""
    from transformers import LlamaConfig, LlamaForCausalLM

    llama = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_hidden_layers=config.num_hidden_layers,
            num_attention_heads=config.num_attention_heads,
            num_key_value_heads=config.num_attention_groups,
            vocab_size=config.vocab_size,
            rms_norm_eps=config.rms_norm_eps,
            tie_word_embeddings=False,
            attn_implementation="eager",
        )
    )
    llama.load_state_dict(state, strict=True)

    class NoRotation(nn.Module):
        def forward(self, x: torch.Tensor, position_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            angles = x.new_zeros(*position_ids.shape, config.head_dim)
            return angles.cos(), angles.sin()

    llama.model.rotary_emb = NoRotation()
    return llama.eval()


def compare_with_llama(config: Step1Config, state: dict[str, torch.Tensor], ids: torch.Tensor) -> None:
    """Logits of both, the bias handed to Llama as its attention mask."""
    with torch.device("meta"):
        ours = Step1ForCausalLM(config)
    ours.load_state_dict(state, assign=True)
    positions = torch.arange(ids.shape[1])
    bias = alibi_bias(alibi_slopes(config.num_attention_heads), positions, positions)
    with torch.no_grad():
        theirs = as_llama(config, state)(ids, attention_mask=bias.expand(len(ids), -1, -1, -1)).logits
        torch.testing.assert_close(ours(ids), theirs, atol=1e-4, rtol=0)


def test_equals_transformers_llama_without_rotation():
    config = replace(CONFIG, num_attention_heads=12, num_attention_groups=4, hidden_size=96, num_hidden_layers=3)
    compare_with_llama(config, tiny_step1(config, seed=3).state_dict(), random_ids(2, 29))


def test_golden_weights_in_transformers_llama():
    tensors, notes = reference()
    compare_with_llama(reference_config(notes), part(tensors, "sd"), tensors["input_ids"])
