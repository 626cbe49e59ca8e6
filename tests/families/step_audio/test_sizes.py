"""What planning counts, held against the networks themselves: parameters, packed bytes, what a layer keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from tests.families.step_audio.tiny_flow import TINY as TINY_FLOW
from tests.families.step_audio.tiny_step1 import CONFIG as TINY_STEP1
from tunesmith.families.step_audio import sizes
from tunesmith.families.step_audio.config import FlowConfig, Step1Config
from tunesmith.families.step_audio.defaults import FLOW_TARGETS, LLM_TARGETS
from tunesmith.families.step_audio.parts.flow import Flow
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM
from tunesmith.families.step_audio.published import published_card
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.source import REPOSITORY

# Counted on upstream's own modules at the sizes of the released configs.
PUBLISHED_LLM, PUBLISHED_FLOW, PUBLISHED_DECODER = 3_529_706_496, 153_754_096, 114_555_472
# The released LLM's proportions (width to inner width, to keys and values) at an eighth of its width.
EIGHTH = Step1Config(384, 1024, 2, 12, 1, vocab_size=64)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def settings(**values: object) -> StepAudioSettings:
    return StepAudioSettings.model_validate(values)


def test_published_sizes() -> None:
    assert sizes.llm_parameters(Step1Config()) == PUBLISHED_LLM
    assert sizes.flow_parameters(FlowConfig()) == PUBLISHED_FLOW
    assert sizes.decoder_parameters(FlowConfig()) == PUBLISHED_DECODER


@pytest.mark.parametrize("config", [TINY_STEP1, EIGHTH], ids=["tiny", "eighth"])
def test_the_llms_formula_is_its_modules_count(config: Step1Config) -> None:
    with torch.device("meta"):
        llm = Step1ForCausalLM(config)
    assert sizes.llm_parameters(config) == parameters(llm)
    linear = [(m.out_features, m.in_features) for m in llm.model.layers.modules() if isinstance(m, nn.Linear)]
    assert sorted(sizes.packable(config)) == sorted(linear)


@pytest.mark.parametrize("key_bias", [True, False])
def test_the_flows_formula_is_its_modules_count(key_bias: bool) -> None:
    config = replace(TINY_FLOW, encoder=replace(TINY_FLOW.encoder, key_bias=key_bias))
    with torch.device("meta"):
        flow = Flow(config)
    assert sizes.flow_parameters(config) == parameters(flow)
    assert sizes.decoder_parameters(config) == parameters(flow.decoder)


def test_adapter_widths_are_what_peft_makes() -> None:
    made = {shape.network: shape for shape in sizes.shapes(TINY_STEP1, TINY_FLOW, settings())}
    for name, network, targets in (
        ("llm", Step1ForCausalLM(TINY_STEP1), LLM_TARGETS),
        ("flow", Flow(TINY_FLOW), FLOW_TARGETS),
    ):
        adapted = get_peft_model(network, LoraConfig(r=3, target_modules=list(targets)))  # type: ignore[arg-type]
        trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
        assert 3 * made[name].adapter_widths == trained


def test_only_what_trains_is_planned_for() -> None:
    for train, names in (("llm", ["llm"]), ("flow", ["flow"]), ("both", ["llm", "flow"])):
        card = published_card(REPOSITORY, settings(train=train), ())
        assert card is not None
        assert [shape.network for shape in card.shapes] == names
        assert card.trained_parameters == PUBLISHED_LLM + PUBLISHED_FLOW, "the other one stays, for previews"
    *_, flow = sizes.shapes(Step1Config(), FlowConfig(), settings(freeze_encoder=False))
    assert flow.full_parameters == PUBLISHED_FLOW


def test_the_cache_counts_what_is_kept() -> None:
    """Of 6 s of target and prompt: mel of both, ids, and the encoder's output where the flow trains on it.

    The ids that the LLM reads, and the encoder's output, are there with every prompt that may be drawn.
    """
    frames, mel, read = 300, 600 * 80 * 4, 250 + 2 * 24
    for options, mels in (
        (settings(), 1 + sizes.PROMPTS),
        (settings(train="llm"), 1),
        (settings(freeze_encoder=False), 1),
    ):
        per_frame, _ = sizes.cached_bytes(FlowConfig(), options)
        assert frames * per_frame == pytest.approx(mels * mel + 4 * (2 * 250 + sizes.PROMPTS * read), rel=0.03)


# --- what a layer keeps for the backward pass ------------------------------------------------------------------------


class FlexTensors(torch.autograd.Function):
    """Keeps what FlexAttention's kernel does: queries, keys and values unrepeated, what was read, and its log-sums."""

    @staticmethod
    def forward(ctx, q, k, v):
        read = torch.zeros_like(q.transpose(1, 2).contiguous()).transpose(1, 2)
        ctx.save_for_backward(q, k, v, read, torch.zeros(q.shape[:-1]))
        return read


def kept_bytes(forward, network: nn.Module) -> int:
    """Bytes of every storage that a forward pass under bf16 autocast keeps, without the network's own."""
    own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    with torch.autocast("cpu", torch.bfloat16), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    return sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in own)


def test_a_layer_of_the_llm_keeps_the_bytes_that_are_planned() -> None:
    ids = torch.randint(EIGHTH.vocab_size, (1, 96))

    def kept(layers: int) -> int:
        llm = Step1ForCausalLM(replace(EIGHTH, num_hidden_layers=layers)).bfloat16()
        # One byte a mask on a GPU; the CPU's dropout would keep four.
        network = get_peft_model(llm, LoraConfig(r=1, target_modules=list(LLM_TARGETS)))  # type: ignore[arg-type]
        llm._whole = lambda _: lambda layer, q, k, v: FlexTensors.apply(q, k, v)  # type: ignore[method-assign]
        return kept_bytes(lambda: llm.hidden(ids), network)

    masks = len(LLM_TARGETS)
    per_unit = (kept(2) - kept(1)) / ids.numel() / EIGHTH.hidden_size
    assert per_unit + masks == pytest.approx(sizes.LLM_SAVED_BYTES, rel=0.03)


def test_a_block_of_the_flow_keeps_the_bytes_that_are_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    norm = nn.functional.layer_norm

    def in_fp32(x, shape, weight=None, bias=None, eps=1e-5):
        with torch.autocast("cpu", enabled=False):
            return norm(x.float(), shape, weight, bias, eps)

    monkeypatch.setattr(nn.functional, "layer_norm", in_fp32)  # as autocast has it on a GPU
    width = 64
    config = replace(FlowConfig().estimator, hidden_size=width, num_heads=1, head_dim=width)

    def kept(depth: int, frames: int) -> int:
        flow = Flow(replace(TINY_FLOW, output_size=80, estimator=replace(config, depth=depth)))
        mel, row = torch.randn(1, 80, frames), torch.randn(1, 80)
        flow.requires_grad_(False)
        flow.decoder.requires_grad_(True)
        return kept_bytes(lambda: flow.velocity(mel, None, mel, torch.tensor([0.5]), row, mel), flow)

    # What does not grow with the frames are the weights' copies in bf16.
    growth = (kept(2, 512) - kept(1, 512)) - (kept(2, 256) - kept(1, 256))
    assert growth / 256 / width == pytest.approx(sizes.FLOW_SAVED_BYTES, rel=0.03)
