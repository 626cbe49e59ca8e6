"""Writes the pocket Step-Audio-EditX in the layout of the released checkpoint, with small front ends beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tools.pocket.step_audio.corpus import Tensors
from tools.pocket.weights import round_to_half, save_half
from tunesmith.families.step_audio.config import FLOW_FOLDER, FlowConfig, HiftConfig, TokenIds
from tunesmith.families.step_audio.parts.cosyvoice_yaml import COSYVOICE_FILE
from tunesmith.families.step_audio.parts.flow import Flow
from tunesmith.families.step_audio.parts.flow_weights import FLOW_FILE, save_flow
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM
from tunesmith.families.step_audio.parts.step1_config import CONFIG
from tunesmith.families.step_audio.parts.step1_weights import INDEX, WEIGHTS, save_step1
from tunesmith.families.step_audio.small import SETTINGS, TENSORS, SmallConfig
from tunesmith.families.step_audio.text_tokenizer import JSON
from tunesmith.files import read_json, write_json, write_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SMALL_SECTION = "tunesmith_small"
"""Of ``config.json``: the values of :class:`TokenIds`, which the released model has as constants."""


@dataclass(frozen=True)
class SpeechParts:
    """Everything that a checkpoint folder is made of."""

    language: Step1ForCausalLM
    flow: Flow
    tokeniser: Tokenizer
    ids: TokenIds
    tensors: Tensors
    config: SmallConfig


def save_folder(parts: SpeechParts, folder: Path) -> None:
    """Write the checkpoint, weights in float16; both networks are rounded in place to that.

    Args:
        parts: What is trained and fitted.
        folder: Exists already.
    """
    round_to_half(parts.language)
    round_to_half(parts.flow)
    save_step1(parts.language.state_dict(), parts.language.config, folder, dtype=torch.float16)
    # Named outright, since the folder holds other tensors too.
    names = list(parts.language.state_dict())
    size = sum(2 * tensor.numel() for tensor in parts.language.state_dict().values())
    write_json(folder / INDEX, {"metadata": {"total_size": size}, "weight_map": dict.fromkeys(names, WEIGHTS)})
    write_json(folder / CONFIG, {**read_json(folder / CONFIG), SMALL_SECTION: asdict(parts.ids)})
    parts.tokeniser.save(str(folder / JSON), pretty=False)
    (folder / FLOW_FOLDER).mkdir(exist_ok=True)
    write_text(folder / FLOW_FOLDER / COSYVOICE_FILE, cosyvoice_yaml(parts.flow.config, parts.config))
    save_flow(parts.flow, folder / FLOW_FOLDER / FLOW_FILE, torch.float16)
    write_json(folder / SETTINGS, asdict(parts.config))
    save_half(parts.tensors, folder / TENSORS)


def cosyvoice_yaml(flow: FlowConfig, small: SmallConfig) -> str:
    """The released file's keys with this model's values; ``hift`` is described but has no weights here."""
    import yaml

    raw: dict[str, Any] = asdict(flow)
    rate, estimator = raw.pop("inference_cfg_rate"), raw.pop("estimator")
    raw["decoder"] = {"inference_cfg_rate": rate, "estimator": estimator}
    raw["input_embedding"] = {"vocab_size": flow.vocab_size, "input_size": flow.input_size}
    hift = asdict(HiftConfig())
    hift["istft_params"] = {"n_fft": hift.pop("istft_n_fft"), "hop_len": hift.pop("istft_hop_len")}
    text: str = yaml.safe_dump(
        {"flow": raw, "hift": _lists(hift), "mel_conf": asdict(small.mel)}, sort_keys=False, width=120
    )
    return text


def _lists(value: Any) -> Any:
    """Tuples as lists, which plain YAML has."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple) else value
