"""Sizes from the configs alone, so that planning needs neither torch nor weights."""

from __future__ import annotations

from tunesmith.families.contract.card import TransformerShape
from tunesmith.families.step_audio.config import FLOW, LLM, FlowConfig, Step1Config
from tunesmith.families.step_audio.settings import StepAudioSettings

LLM_SAVED_BYTES, FLOW_SAVED_BYTES = 41.5, 84.4
"""Saved for backward per position, layer and unit of width in bf16, counted with saved-tensor hooks at full width: LoRA
on q, k and v with dropout and FlexAttention's tensors (LLM); the whole block trained, norms in fp32 as autocast has
them on a GPU (flow)."""
PROMPTS = 5
"""How many prompts a training sample has to draw from, where its speaker has so many clips."""
LOGIT_BYTES = 12
"""Per answer id and entry of the vocabulary at the peak: log-probabilities and two gradients of them, fp32."""
IDS_PER_SECOND, TEXT_IDS_PER_SECOND = 125 / 3, 4
"""Audio ids, and ids of the text that is spoken in them."""
MEL_RATE, MEL_BYTES, ID_BYTES = 50, 4, 4
PROMPT_RATIO = 2
"""Prompt and target together over the target: the prompt is another clip of the same kind."""
TEXT_BYTES = 4096
"""Cached per clip beside what grows with its length: a speaker vector, the fixed parts of the prompt, headers."""


def llm_parameters(config: Step1Config) -> int:
    """Parameters of the LLM: two embeddings, seven matrices and two norms per layer, one norm."""
    layer = sum(rows * columns for rows, columns in _layer_matrices(config)) + 2 * config.hidden_size
    return (2 * config.vocab_size + 1) * config.hidden_size + config.num_hidden_layers * layer


def packable(config: Step1Config) -> list[tuple[int, int]]:
    """Outputs and inputs of every matrix of the LLM's layers."""
    return config.num_hidden_layers * _layer_matrices(config)


def _layer_matrices(config: Step1Config) -> list[tuple[int, int]]:
    d, kv, inner = config.hidden_size, config.num_attention_groups * config.head_dim, config.intermediate_size
    return [(d, d), (kv, d), (kv, d), (d, d), (inner, d), (inner, d), (d, inner)]


def decoder_parameters(config: FlowConfig) -> int:
    """Parameters of the flow's decoder: per block four projections, a feed-forward, two convolutions, nine rows."""
    t, d = config.estimator, config.estimator.hidden_size
    inner, hidden = t.num_heads * t.head_dim, int(d * t.mlp_ratio)
    block = 3 * (d * inner + inner) + inner * d + d + 4 * t.head_dim + 2 * d * hidden + hidden + d
    block += 2 * (3 * d * d + d) + 2 * d + 9 * d * d + 9 * d
    time, out = 256 * d + d + d * d + d, 2 * d * d + 2 * d + d * t.out_channels + t.out_channels
    return t.depth * block + time + t.in_channels * d + d + out


def flow_parameters(config: FlowConfig) -> int:
    """Parameters of the flow: decoder, encoder, embedding, speaker and encoder projections."""
    e, w = config.encoder, config.encoder.output_size
    block = 3 * (w * w + w) + w * w + (w if e.key_bias else 0) + w * w + 2 * w  # q, v, out; k; distances
    block += 2 * w * e.linear_units + e.linear_units + w + 4 * w
    embed = e.input_size * w + w * w + 2 * (w + 2 * w)
    convolutions = w * w * (e.pre_lookahead_len + 1) + w * w * 3 + w * w * (2 * e.up_stride + 1) + 3 * w
    encoder = (e.num_blocks + e.num_up_blocks) * block + embed + convolutions + 2 * w
    c = config.output_size
    rest = config.vocab_size * (config.input_size // 2) + config.spk_embed_dim * c + c + w * c + c
    return decoder_parameters(config) + encoder + rest


def shapes(llm: Step1Config, flow: FlowConfig, settings: StepAudioSettings) -> tuple[TransformerShape, ...]:
    """What planning needs of the networks that train."""
    made = {LLM: _llm_shape(llm), FLOW: _flow_shape(flow, settings.freeze_encoder)}
    return tuple(shape for name, shape in made.items() if settings.train in (name, "both"))


def _llm_shape(config: Step1Config) -> TransformerShape:
    """Positions are the ids of prompt, target and both texts; only those of the target have logits."""
    d, kv = config.hidden_size, config.num_attention_groups * config.head_dim
    return TransformerShape(
        layers=config.num_hidden_layers,
        width=d,
        adapter_widths=config.num_hidden_layers * (2 * d + 2 * (d + kv)),
        saved_bytes=LLM_SAVED_BYTES,
        parameters=llm_parameters(config) - config.vocab_size * d,
        network=LLM,
        positions=PROMPT_RATIO * (IDS_PER_SECOND + TEXT_IDS_PER_SECOND) / MEL_RATE,
        head_bytes=IDS_PER_SECOND / MEL_RATE * LOGIT_BYTES * config.vocab_size,
    )


def _flow_shape(config: FlowConfig, frozen: bool) -> TransformerShape:
    """Positions are the frames of prompt and target; the encoder's layers count where it trains too."""
    t, d = config.estimator, config.estimator.hidden_size
    inner, hidden = t.num_heads * t.head_dim, int(d * t.mlp_ratio)
    encoder = 0 if frozen else config.encoder.num_blocks + config.encoder.num_up_blocks
    return TransformerShape(
        layers=t.depth + encoder,
        width=d,
        adapter_widths=t.depth * (4 * (d + inner) + 2 * (d + hidden)),
        saved_bytes=FLOW_SAVED_BYTES,
        parameters=decoder_parameters(config) if frozen else flow_parameters(config),
        network=FLOW,
        full_parameters=decoder_parameters(config) if frozen else flow_parameters(config),
        positions=PROMPT_RATIO,
    )


def cached_bytes(flow: FlowConfig, settings: StepAudioSettings) -> tuple[int, int]:
    """What the cache keeps per frame (mel, ids, and the flow encoder's output where it is frozen), and per clip.

    It is the most: what depends on a clip's prompt is there for each that an epoch may draw, and a clip whose list
    names its prompt has that one alone.
    """
    mels = 1 if settings.train == LLM or not settings.freeze_encoder else 1 + PROMPTS
    # Codes of prompt and target by themselves, and all that the LLM reads: the prompt's again, and both texts.
    read = IDS_PER_SECOND + PROMPT_RATIO * TEXT_IDS_PER_SECOND
    ids = (2 * IDS_PER_SECOND + PROMPTS * read) / MEL_RATE
    return round(PROMPT_RATIO * mels * flow.output_size * MEL_BYTES + ids * ID_BYTES), TEXT_BYTES
