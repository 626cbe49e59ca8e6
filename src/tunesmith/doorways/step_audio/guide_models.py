"""``train/trainer/model_adapter.py``: both networks with what the guide's YAML trains on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.doorways.step_audio.config import Given, read_config
from tunesmith.doorways.step_audio.recipe import as_recipe
from tunesmith.doorways.step_audio.run_dir import places
from tunesmith.families.step_audio.config import FLOW, LLM

if TYPE_CHECKING:
    from torch import nn


def load_and_validate_config(config_path: str | Path) -> Given:
    """The guide's YAML, held against what it may say and against the files that it names.

    Raises:
        TunesmithError: at the line of what is wrong.
    """
    given = read_config(Path(config_path))
    places(given)
    return given


def prepare_models_for_training(cfg: Given, mode: str | None = None) -> tuple[nn.Module, nn.Module]:
    """LLM and flow on the CPU, frozen but for what is trained.

    Args:
        cfg: Of :func:`load_and_validate_config`.
        mode: ``llm``, ``flow`` or ``both``; what the file says where it is left out.

    Raises:
        TunesmithError: at the line of a key that asks for what is not offered, or when the model is not there.
    """
    from tunesmith.adapters.attach import attach
    from tunesmith.families.registry import make_family
    from tunesmith.recipe.load import build
    from tunesmith.recipe.tree import Tree

    recipe = build(Tree(as_recipe(cfg, mode or cfg.config.basic.train_mode, places(cfg)))).recipe
    family = make_family(recipe.model.path, recipe.model.family, recipe.options)
    networks = attach(family.networks.load(), recipe.adapter, family.adapters.defaults(), recipe.train.seed)
    return networks[LLM], networks[FLOW]


def init_llm_for_finetune(cfg: Given) -> nn.Module:
    """The LLM with a fresh LoRA; see :func:`prepare_models_for_training`."""
    return prepare_models_for_training(cfg, "llm")[0]


def init_flow_for_finetune(cfg: Given) -> nn.Module:
    """The flow whose decoder trains, itself or by LoRA; see :func:`prepare_models_for_training`."""
    return prepare_models_for_training(cfg, "flow")[1]


def load_llm_lora_weights(llm: nn.Module, lora_ckpt_path: str | Path, device: str = "cpu") -> nn.Module:
    """The LLM with a checkpoint inside.

    Raises:
        TunesmithError: when it cannot be read or does not fit; the network is then as it was.
    """
    from tunesmith.families.step_audio.checkpoints import load_llm

    return load_llm(llm, Path(lora_ckpt_path)).network.to(device)


def load_flow_weights(flow: nn.Module, flow_ckpt_path: str | Path, device: str = "cpu") -> nn.Module:
    """The flow with a checkpoint inside; see :func:`load_llm_lora_weights`."""
    from tunesmith.families.step_audio.checkpoints import load_flow

    return load_flow(flow, Path(flow_ckpt_path)).network.to(device)


def train_llm_flow(cfg: Given, mode: str | None = None) -> int:
    """Train as ``finetune_demo.py`` does with this file: checks, encoding, stages, and a sample spoken with both.

    Returns:
        0.

    Raises:
        TunesmithError: for whatever stops that command.
    """
    from tunesmith.doorways.step_audio.finetune_demo import train

    return train(cfg, mode)
