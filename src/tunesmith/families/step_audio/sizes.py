"""Parameter counts from the config alone, so that planning needs neither torch nor weights."""

from __future__ import annotations

from tunesmith.families.contract import TransformerShape
from tunesmith.families.step_audio.config import FlowConfig, Step1Config

SAVED_BYTES = 34.0
"""Saved for backward per id, layer and unit of width in bf16, counted with saved-tensor hooks on a 3072-wide layer."""
IDS_PER_SECOND = 125 / 3
MEL_RATE, MEL_BYTES, PROMPT_RATIO = 50, 4, 2.0
"""The cache keeps mel and the flow encoder's output of prompt and target, as fp32."""


def llm_parameters(config: Step1Config) -> int:
    """Parameters of the LLM: two embeddings, four projections and a gated feed-forward per layer, norms."""
    d, kv = config.hidden_size, config.num_attention_groups * config.head_dim
    layer = 2 * d * d + 2 * d * kv + 3 * d * config.intermediate_size + 2 * d
    return 2 * config.vocab_size * d + config.num_hidden_layers * layer + d


def flow_parameters(config: FlowConfig) -> int:
    """Parameters of the flow, encoder and decoder."""
    e, t, d = config.encoder, config.estimator, config.estimator.hidden_size
    w = e.output_size
    bias = w if e.key_bias else 0
    block = 3 * (w * w + w) + w * w + bias + w * w + 2 * w + 2 * w * e.linear_units + e.linear_units + w + 4 * w
    embed = 2 * (e.input_size * w + w + 2 * w)
    convs = w * w * (e.pre_lookahead_len + 1) + w + w * w * 3 + w + w * w * 5 + w
    encoder = (e.num_blocks + e.num_up_blocks) * block + embed + convs + 2 * w
    inner, hidden = t.num_heads * t.head_dim, int(d * t.mlp_ratio)
    dit = 3 * (d * inner + inner) + inner * d + d + 4 * t.head_dim + 2 * d * hidden + hidden + d
    dit += 2 * (3 * d * d + d) + 2 * d + 9 * d * d + 9 * d
    time, out = 256 * d + d + d * d + d, 2 * d * d + 2 * d + d * t.out_channels + t.out_channels
    decoder = t.depth * dit + time + t.in_channels * d + d + out
    rest = config.vocab_size * config.input_size // 2 + config.spk_embed_dim * config.output_size + config.output_size
    return encoder + decoder + rest + config.encoder.output_size * config.output_size + config.output_size


def transformer_shape(config: Step1Config) -> TransformerShape:
    """What planning needs: depth, width and what LoRA on q, k and v adds per rank."""
    d, kv = config.hidden_size, config.num_attention_groups * config.head_dim
    widths = config.num_hidden_layers * (2 * d + 2 * (d + kv))
    frame = round(MEL_RATE / IDS_PER_SECOND * 80 * MEL_BYTES * 2 * PROMPT_RATIO)
    return TransformerShape(config.num_hidden_layers, d, widths, SAVED_BYTES, frame, 4096)
