"""The released checkpoint in its own layout, with real token ids and front ends and small random networks.

Everything that a user downloads is here under its own name: the LLM in one shard with its index, remote code that must
never run, flow and vocoder as ``.pt``, Paraformer with the rest of its model, and the two ONNX files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from tests.families.step_audio.onnx_files import semantic, speaker
from tests.families.step_audio.tiny_flow import random_flow
from tests.families.step_audio.tiny_step1 import tiny_step1
from tunesmith.families.step_audio.config import (
    FLOW_FOLDER,
    PARAFORMER_FOLDER,
    EstimatorConfig,
    F0Config,
    FlowConfig,
    FlowEncoderConfig,
    HiftConfig,
    Step1Config,
    TokenIds,
    Vq02Config,
)
from tunesmith.families.step_audio.parts.hift import Hift
from tunesmith.families.step_audio.parts.vq02 import Vq02Encoder

MODEL, TOKENIZER = "Step-Audio-EditX", "Step-Audio-Tokenizer"
IDS = TokenIds()
LLM = Step1Config(
    hidden_size=36, intermediate_size=48, num_hidden_layers=2, num_attention_heads=6, num_attention_groups=2
)
FLOW = FlowConfig(
    input_size=32,
    encoder=FlowEncoderConfig(
        input_size=32, output_size=32, num_blocks=1, num_up_blocks=1, attention_heads=2, linear_units=48
    ),
    estimator=EstimatorConfig(mlp_ratio=2.0, depth=2, num_heads=2, head_dim=16, hidden_size=32),
)
HIFT = HiftConfig(base_channels=32, f0_predictor=F0Config(cond_channels=16))
PARAFORMER = Vq02Config(output_size=32, attention_heads=2, linear_units=48, num_blocks=2)
SPECIAL = 68
"""``<unk>``, ``<s>``, ``</s>`` and the control tokens; the byte pieces follow."""
CODE = "raise RuntimeError('the remote code of a checkpoint was executed')\n"
CORPUS = (
    "system human assistant speaker name debug",
    "Generate audio with the following timbre, prosody and speaking style",
    "speaker prompt text speaker audio tokens",
    "Make the following audio more happy. The text corresponding to the audio is",
    "the quick brown fox jumps over the lazy dog and says what he thinks of it",
    "你好 今天天气很好 我们一起去公园散步吧",
)


def write_released(folder: Path) -> Path:
    """Write model and tokeniser beside each other; returns the model's folder."""
    model, tokenizer = folder / MODEL, folder / TOKENIZER
    (model / FLOW_FOLDER).mkdir(parents=True)
    (tokenizer / PARAFORMER_FOLDER).mkdir(parents=True)
    torch.manual_seed(3)
    _write_llm(model)
    _write_text(model)
    _write_flow(model / FLOW_FOLDER)
    _write_paraformer(tokenizer / PARAFORMER_FOLDER)
    random = np.random.default_rng(3)
    np.save(tokenizer / "linguistic_tokenizer.npy", random.standard_normal((IDS.vq02, PARAFORMER.output_size)))
    for place in (tokenizer, model / FLOW_FOLDER):
        semantic(place / "speech_tokenizer_v1.onnx", top=IDS.vq06 - 1)
    return model


def _write_llm(folder: Path) -> None:
    from safetensors.torch import save_file

    state = {name: tensor.bfloat16() for name, tensor in tiny_step1(LLM).state_dict().items()}
    shard = "model-00001.safetensors"
    save_file(state, folder / shard, metadata={"format": "pt"})
    total = sum(2 * tensor.numel() for tensor in state.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict.fromkeys(state, shard)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    config = {
        "architectures": ["Step1ForCausalLM"],
        "model_type": "step1",
        "auto_map": {
            "AutoConfig": "configuration_step1.Step1Config",
            "AutoModelForCausalLM": "modeling_step1.Step1ForCausalLM",
        },
        "hidden_size": LLM.hidden_size,
        "intermediate_size": LLM.intermediate_size,
        "num_hidden_layers": LLM.num_hidden_layers,
        "num_attention_heads": LLM.num_attention_heads,
        "num_attention_groups": LLM.num_attention_groups,
        "max_seq_len": 32768,
        "vocab_size": LLM.vocab_size,
        "rms_norm_eps": LLM.rms_norm_eps,
        "bos_token_id": 1,
        "pad_token_id": 0,
        "eos_token_id": 3,
        "torch_dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    (folder / "configuration.json").write_text(json.dumps({"framework": "pytorch", "task": "text-to-speech"}))
    for name in ("configuration_step1.py", "modeling_step1.py"):
        (folder / name).write_text(CODE)


def _write_text(folder: Path) -> None:
    import sentencepiece

    control = ["<|EOT|>", "<|BOT|>", *(f"<|special_{n}|>" for n in range(5, SPECIAL))]
    with (folder / "tokenizer.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CORPUS * 30),
            model_writer=file,
            vocab_size=SPECIAL + 256 + 150,
            model_type="unigram",
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            control_symbols=control,
            hard_vocab_limit=False,
            minloglevel=2,
        )
    config = {"tokenizer_class": "LlamaTokenizer", "legacy": True, "add_bos_token": False, "add_eos_token": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def _write_flow(folder: Path) -> None:
    (folder / "cosyvoice.yaml").write_text(cosyvoice(FLOW, HIFT), encoding="utf-8")
    torch.save(random_flow(FLOW).state_dict(), folder / "flow.pt")
    torch.save(with_weight_norm(Hift(HIFT).state_dict()), folder / "hift.pt")
    speaker(folder / "campplus.onnx", width=FLOW.spk_embed_dim)


def with_weight_norm(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The vocoder's tensors with norm and direction apart, where upstream keeps them so."""
    raw: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        if name.endswith(".weight") and tensor.dim() == 3 and not name.startswith("source_downs."):
            stem = f"{name.removesuffix('weight')}parametrizations.weight.original"
            raw |= {f"{stem}0": torch.linalg.vector_norm(tensor, dim=(1, 2), keepdim=True), f"{stem}1": tensor}
        else:
            raw[name] = tensor
    return raw


def cosyvoice(flow: FlowConfig, hift: HiftConfig) -> str:
    """``cosyvoice.yaml`` in the manner of the published one: classes as tags, sizes by reference."""
    e, t, f0 = flow.encoder, flow.estimator, hift.f0_predictor
    return f"""\
__set_seed1: !apply:random.seed [1986]
sample_rate: {hift.sampling_rate}
spk_embed_dim: {flow.spk_embed_dim}

flow: !new:some.flow.CausalMaskedDiffWithXvec
    input_size: {flow.input_size}
    output_size: {flow.output_size}
    spk_embed_dim: !ref <spk_embed_dim>
    output_type: 'mel'
    vocab_size: {flow.vocab_size}
    input_embedding: !new:some.flow.DualCodebookEmbedding
        vocab_size: {flow.vocab_size}
        input_size: {flow.input_size}
    encoder: !new:some.encoder.UpsampleConformerEncoderV2
        input_size: {e.input_size}
        output_size: {e.output_size}
        input_layer: 'linear'
        pre_lookahead_len: {e.pre_lookahead_len}
        num_blocks: {e.num_blocks}
        num_up_blocks: {e.num_up_blocks}
        up_stride: {e.up_stride}
        up_scale_factor: {e.up_scale_factor}
        attention_heads: {e.attention_heads}
        pos_enc_layer_type: 'rel_pos_espnet'
        selfattention_layer_type: 'rel_selfattn'
        key_bias: true
        linear_units: {e.linear_units}
        dropout_rate: {e.dropout_rate}
        positional_dropout_rate: 0.1
        attention_dropout_rate: 0.1
        normalize_before: true
    decoder: !new:some.flow.CausalConditionalCFM
        inference_cfg_rate: {flow.inference_cfg_rate}
        estimator: !new:some.dit.DiT
            in_channels: {t.in_channels}
            out_channels: {t.out_channels}
            mlp_ratio: {t.mlp_ratio}
            depth: {t.depth}
            num_heads: {t.num_heads}
            head_dim: {t.head_dim}
            hidden_size: {t.hidden_size}

hift: !new:some.hifigan.HiFTGenerator
    in_channels: {hift.in_channels}
    base_channels: {hift.base_channels}
    nb_harmonics: {hift.nb_harmonics}
    sampling_rate: !ref <sample_rate>
    nsf_alpha: {hift.nsf_alpha}
    nsf_sigma: {hift.nsf_sigma}
    nsf_voiced_threshold: 10
    upsample_rates: {list(hift.upsample_rates)}
    upsample_kernel_sizes: {list(hift.upsample_kernel_sizes)}
    istft_params: {{n_fft: {hift.istft_n_fft}, hop_len: {hift.istft_hop_len}}}
    resblock_kernel_sizes: {list(hift.resblock_kernel_sizes)}
    resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    source_resblock_kernel_sizes: {list(hift.source_resblock_kernel_sizes)}
    source_resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    lrelu_slope: {hift.lrelu_slope}
    audio_limit: {hift.audio_limit}
    f0_predictor: !new:some.hifigan.ConvRNNF0Predictor
        num_class: {f0.num_class}
        in_channels: {f0.in_channels}
        cond_channels: {f0.cond_channels}

mel_conf:
    n_fft: 1920
    num_mels: 80
    sampling_rate: !ref <sample_rate>
    hop_size: 480
    win_size: 1920
    fmin: 0
    fmax: 8000
    center: false
"""


def _write_paraformer(folder: Path) -> None:
    state = {f"encoder.{name}": tensor for name, tensor in Vq02Encoder(PARAFORMER).state_dict().items()}
    rest = {"decoder.after_norm.weight": torch.ones(4), "predictor.cif_output.bias": torch.zeros(1)}
    torch.save(state | rest, folder / "model.pt")
    (folder / "config.yaml").write_text(yaml.safe_dump(paraformer()), encoding="utf-8")
    width = PARAFORMER.n_mels * PARAFORMER.lfr_m
    rows = {"AddShift": "-8 " * width, "Rescale": "0.3 " * width}
    lines = [
        line for name, row in rows.items() for line in (f"<{name}> {width} {width}", f"<LearnRateCoef> 0 [ {row}]")
    ]
    text = "\n".join(["<Nnet>", f"<Splice> {width} {width}", "[ 0 ]", *lines, "</Nnet>"])
    (folder / "am.mvn").write_text(text + "\n", encoding="utf-8")


def paraformer() -> dict[str, Any]:
    """FunASR's ``config.yaml`` of an online Paraformer; its chunks are those it was trained in, not those in use."""
    return {
        "model": "ParaformerStreaming",
        "frontend": "WavFrontendOnline",
        "frontend_conf": {
            "fs": 16000,
            "window": "hamming",
            "n_mels": PARAFORMER.n_mels,
            "frame_length": 25,
            "frame_shift": 10,
            "lfr_m": PARAFORMER.lfr_m,
            "lfr_n": PARAFORMER.lfr_n,
        },
        "encoder": "SANMEncoderChunkOpt",
        "encoder_conf": {
            "output_size": PARAFORMER.output_size,
            "attention_heads": PARAFORMER.attention_heads,
            "linear_units": PARAFORMER.linear_units,
            "num_blocks": PARAFORMER.num_blocks,
            "dropout_rate": 0.1,
            "input_layer": "pe_online",
            "pos_enc_class": "SinusoidalPositionEncoder",
            "normalize_before": True,
            "kernel_size": PARAFORMER.kernel_size,
            "sanm_shfit": 0,
            "selfattention_layer_type": "sanm",
            "chunk_size": [12, 15],
            "stride": [8, 10],
            "pad_left": [0, 0],
            "encoder_att_look_back_factor": [4, 4],
            "decoder_att_look_back_factor": [1, 1],
        },
        "decoder": "ParaformerSANMDecoder",
        "tokenizer": "CharTokenizer",
    }
