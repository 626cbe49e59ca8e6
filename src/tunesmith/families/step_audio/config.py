"""Facts of a Step-Audio-EditX checkpoint: sizes of its networks, its token ids, its files; no literal of one size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from tunesmith.data.sample import PROMPT_TEXT

LICENCE = "Apache-2.0"
REPOSITORY, TOKENIZER_REPOSITORY = "stepfun-ai/Step-Audio-EditX", "stepfun-ai/Step-Audio-Tokenizer"
FLOW_FOLDER = "CosyVoice-300M-25Hz"
SPEAKER_FILE = "campplus.onnx"
"""In the flow's folder: what makes speaker vectors."""
PARAFORMER_FOLDER = "dengcunqin/speech_paraformer-large_asr_nat-zh-cantonese-en-16k-vocab8501-online"
SAMPLE_RATE = 24_000
"""Of mel and vocoder, Hz; the tokenisers and the speaker encoder take :data:`TOKENIZER_RATE`."""
TOKENIZER_RATE = 16_000
MAX_IDS = 8192
"""Longest sequence of the LLM, prompt and answer together."""

Sizes = TypeVar("Sizes")


@dataclass(frozen=True)
class Step1Config:
    """``config.json`` of the LLM; ``num_attention_groups`` is the number of key/value heads."""

    hidden_size: int = 3072
    intermediate_size: int = 8192
    num_hidden_layers: int = 32
    num_attention_heads: int = 48
    num_attention_groups: int = 4
    vocab_size: int = 74_752
    rms_norm_eps: float = 1e-5
    bos_token_id: int = 1
    eos_token_id: int = 3
    pad_token_id: int = 0

    @property
    def head_dim(self) -> int:
        """Width of one head (64)."""
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True)
class FlowEncoderConfig:
    """``flow.encoder`` of ``cosyvoice.yaml``: conformer blocks at 25 Hz, then at 50 Hz."""

    input_size: int = 512
    output_size: int = 512
    pre_lookahead_len: int = 3
    num_blocks: int = 6
    num_up_blocks: int = 4
    up_stride: int = 2
    up_scale_factor: int = 2
    attention_heads: int = 8
    linear_units: int = 2048
    key_bias: bool = True
    dropout_rate: float = 0.1


@dataclass(frozen=True)
class EstimatorConfig:
    """``flow.decoder.estimator``: the diffusion transformer."""

    in_channels: int = 320
    out_channels: int = 80
    mlp_ratio: float = 4.0
    depth: int = 16
    num_heads: int = 8
    head_dim: int = 64
    hidden_size: int = 512


@dataclass(frozen=True)
class FlowConfig:
    """``flow`` of ``cosyvoice.yaml``; ``vocab_size`` is vq02 + 1 (padding) + vq06."""

    input_size: int = 512
    output_size: int = 80
    spk_embed_dim: int = 192
    vocab_size: int = 5121
    encoder: FlowEncoderConfig = field(default_factory=FlowEncoderConfig)
    estimator: EstimatorConfig = field(default_factory=EstimatorConfig)
    inference_cfg_rate: float = 0.7

    @staticmethod
    def from_yaml(raw: Mapping[str, Any]) -> FlowConfig:
        """Read the mapping under ``flow`` (its ``!new:`` tags already plain); keys that size nothing are passed over.

        ``input_embedding`` repeats ``vocab_size`` and ``input_size``; ``decoder`` holds ``estimator`` and the CFG rate.
        """
        decoder = raw.get("decoder") or {}
        nested = {
            "encoder": known(FlowEncoderConfig, raw.get("encoder") or {}),
            "estimator": known(EstimatorConfig, decoder.get("estimator") or {}),
            "inference_cfg_rate": float(decoder.get("inference_cfg_rate", 0.7)),
        }
        plain = {k: v for k, v in raw.items() if k not in nested}
        return known(FlowConfig, {**plain, **nested})


@dataclass(frozen=True)
class F0Config:
    """``hift.f0_predictor``."""

    num_class: int = 1
    in_channels: int = 80
    cond_channels: int = 512


@dataclass(frozen=True)
class HiftConfig:
    """``hift`` of ``cosyvoice.yaml``; the product of the up-sampling rates and ``hop_len`` is the mel's hop (480)."""

    in_channels: int = 80
    base_channels: int = 512
    nb_harmonics: int = 8
    sampling_rate: int = 24_000
    nsf_alpha: float = 0.1
    nsf_sigma: float = 0.003
    nsf_voiced_threshold: float = 10.0
    upsample_rates: tuple[int, ...] = (8, 5, 3)
    upsample_kernel_sizes: tuple[int, ...] = (16, 11, 7)
    istft_n_fft: int = 16
    istft_hop_len: int = 4
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5),) * 3
    source_resblock_kernel_sizes: tuple[int, ...] = (7, 7, 11)
    source_resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5),) * 3
    lrelu_slope: float = 0.1
    audio_limit: float = 0.99
    f0_predictor: F0Config = field(default_factory=F0Config)

    @staticmethod
    def from_yaml(raw: Mapping[str, Any]) -> HiftConfig:
        """Read the mapping under ``hift`` (its ``!new:`` tags already plain)."""
        istft = raw.get("istft_params") or {}
        nested = {
            "istft_n_fft": int(istft.get("n_fft", 16)),
            "istft_hop_len": int(istft.get("hop_len", 4)),
            "f0_predictor": known(F0Config, raw.get("f0_predictor") or {}),
        }
        return known(HiftConfig, {**{k: v for k, v in raw.items() if k not in nested}, **nested})


@dataclass(frozen=True)
class MelConfig:
    """``mel_conf`` of ``cosyvoice.yaml``: natural-log magnitude mel, 50 frames a second."""

    n_fft: int = 1920
    num_mels: int = 80
    sampling_rate: int = 24_000
    hop_size: int = 480
    win_size: int = 1920
    fmin: float = 0.0
    fmax: float = 8000.0

    @property
    def frame_rate(self) -> float:
        """Frames a second (50)."""
        return self.sampling_rate / self.hop_size


@dataclass(frozen=True)
class Vq02Config:
    """The Paraformer streaming encoder behind vq02, ``config.yaml`` of its folder."""

    n_mels: int = 80
    lfr_m: int = 7
    lfr_n: int = 6
    output_size: int = 512
    attention_heads: int = 4
    linear_units: int = 2048
    num_blocks: int = 50
    kernel_size: int = 11
    sanm_shfit: int = 0
    chunk_size: tuple[int, int, int] = (0, 4, 5)
    encoder_chunk_look_back: int = 4


@dataclass(frozen=True)
class TokenIds:
    """How audio codes become ids: of the LLM (``audio_base`` + code) and of the flow's one table.

    Attributes:
        audio_base: Id of ``<audio_0>`` (65536).
        vq02: Codes of the linguistic tokeniser (1024), 2 in every group of 5.
        vq06: Codes of the semantic tokeniser (4096), 3 in every group; in ids they follow those of vq02.
        bos, bot, eot, stop: ``<s>``, ``<|BOT|>``, ``<|EOT|>``, and the ids that end an answer.
    """

    audio_base: int = 65_536
    vq02: int = 1024
    vq06: int = 4096
    bos: int = 1
    bot: int = 4
    eot: int = 3
    stop: tuple[int, ...] = (2, 3)

    @property
    def pad(self) -> int:
        """Padding code of the flow's table (1024), between both codebooks."""
        return self.vq02

    @property
    def flow_vocabulary(self) -> int:
        """Rows of the flow's table (5121)."""
        return self.vq02 + 1 + self.vq06

    @property
    def audio_end(self) -> int:
        """One past the last audio id that is used (70656)."""
        return self.audio_base + self.vq02 + self.vq06


LLM, FLOW = "llm", "flow"
TARGET = "audio"
"""Role of the recording that a pair teaches."""
"""The two trained networks."""
TEXT_ROLES = ("caption", PROMPT_TEXT)
"""What to say; what the voice prompt says."""


GROUP = 5
"""LLM ids per 120 ms: two of vq02, three of vq06."""
FLOW_PER_GROUP, MEL_PER_FLOW = 3, 2
"""Flow tokens per group (25 Hz), and mel frames per flow token (50 Hz)."""
GROUP_SECONDS = 0.12


def known(kind: type[Sizes], raw: Mapping[str, Any]) -> Sizes:
    """An instance of a config class from those keys of ``raw`` that it has; lists become tuples."""
    names = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    return kind(**{k: _tuples(v) for k, v in raw.items() if k in names})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
