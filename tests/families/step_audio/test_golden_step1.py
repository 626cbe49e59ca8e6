"""Step1 against the reference's tensors: states, logits, bias, loss and greedy answers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch.nn import functional as F

from tests.golden_files import UNIT, assert_as_near, assert_close, assert_rounded, golden_path, golden_tensors, part
from tunesmith.families.step_audio.config import Step1Config, known
from tunesmith.families.step_audio.parts.alibi import alibi_bias, alibi_slopes
from tunesmith.families.step_audio.parts.kv_cache import KVCache
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM

NAME = "step_audio/step1_lm"


def reference() -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors of the file, and its notes (``config`` is JSON)."""
    tensors, _ = golden_tensors(NAME)
    with safe_open(golden_path(f"{NAME}.safetensors"), "pt") as file:
        return tensors, file.metadata()


def reference_config(notes: dict[str, str]) -> Step1Config:
    """Sizes of the reference's model."""
    sizes: dict[str, Any] = json.loads(notes["config"])
    return known(Step1Config, sizes)


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    return reference()[0]


@pytest.fixture(scope="module")
def model(golden: dict[str, torch.Tensor]) -> Step1ForCausalLM:
    with torch.device("meta"):
        model = Step1ForCausalLM(reference_config(reference()[1]))
    model.load_state_dict(part(golden, "sd"), assign=True)
    return model.eval()


def test_golden_logits(model, golden):
    with torch.no_grad():
        assert_close("logits", model(golden["input_ids"]), golden["logits"])


def test_golden_hidden_states(model, golden):
    states: list[torch.Tensor] = []
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, out: states.append(out))
        for module in (model.model.embed_tokens, *model.model.layers, model.model.norm)
    ]
    with torch.no_grad():
        model.hidden(golden["input_ids"])
    for hook in hooks:
        hook.remove()
    assert len(states) == len(part(golden, "hidden"))
    for index, state in enumerate(states):
        assert_close(f"hidden.{index}", state, golden[f"hidden.{index}"])


def test_golden_alibi(golden):
    counts = [int(heads) for heads in part(golden, "alibi_slopes")]
    assert counts
    for heads in counts:
        slopes, bias = alibi_slopes(heads), golden[f"alibi_bias.{heads}"]
        assert_rounded(f"slopes of {heads}", slopes, golden[f"alibi_slopes.{heads}"], *exact_slopes(heads))
        positions = torch.arange(bias.shape[-1])
        ours = alibi_bias(slopes, positions, positions)[None]
        assert torch.equal(ours.isinf(), bias.isinf())
        assert_close(f"bias of {heads}", ours.nan_to_num(neginf=0), bias.nan_to_num(neginf=0), 1e-6)


def exact_slopes(heads: int) -> tuple[torch.Tensor, torch.Tensor]:
    """ALiBi's slopes in double precision, and what single precision may lose of each.

    The original raises a rounded base to the power k, which makes k roundings of one, and the power is good to a unit
    in the last place, two more.
    """
    power = 1 << (heads.bit_length() - 1)
    powers = torch.tensor([*range(1, power + 1), *range(1, 2 * (heads - power), 2)], dtype=torch.float64)
    eighths = torch.tensor([8.0] * power + [4.0] * (heads - power), dtype=torch.float64)
    slopes = torch.exp2(-eighths / power * powers)
    return slopes, slopes * (powers + 2) * UNIT


def test_golden_loss(model, golden):
    logits = model(golden["input_ids"])
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), golden["labels"][:, 1:].flatten(), ignore_index=-100)
    assert_close("loss", loss, golden["loss"])


def test_golden_greedy_with_cache(model, golden):
    found = re.search(r"first (\d+) are the prompt", reference()[1]["note"])
    assert found is not None
    expected_BT, prompt = golden["greedy_ids"], int(found[1])
    rows, length = expected_BT.shape
    cache = KVCache(model.config, rows=rows, capacity=length)
    ids_BT = fed_BT = expected_BT[:, :prompt]
    with torch.no_grad():
        while ids_BT.shape[1] < length:
            fed_BT = model.lm_head(model.hidden(fed_BT, cache=cache)[:, -1:]).argmax(dim=-1)
            ids_BT = torch.cat([ids_BT, fed_BT], dim=1)
    assert torch.equal(ids_BT, expected_BT)


def test_golden_logits_bf16(model, golden):
    with torch.device("meta"):
        halved = Step1ForCausalLM(model.config)
    halved.load_state_dict({name: tensor.bfloat16() for name, tensor in model.state_dict().items()}, assign=True)
    with torch.no_grad():
        logits = halved.eval()(golden["input_ids"])
    assert logits.dtype == torch.bfloat16
    # The original's own logits in fp32 say what it lost in bf16.
    assert_as_near("logits_bf16", logits, golden["logits_bf16"], golden["logits"].double())
