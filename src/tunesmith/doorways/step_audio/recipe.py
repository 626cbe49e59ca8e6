"""The guide's YAML as a recipe."""

from __future__ import annotations

from typing import Any

from tunesmith.doorways.step_audio.config import Config, Given
from tunesmith.doorways.step_audio.run_dir import Places
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FLOW, LLM
from tunesmith.texts import msg

JOINT = "joint"
STAGES = {"llm": (LLM,), "flow": (FLOW,), "both": (LLM, FLOW, JOINT)}
"""Training stages by mode."""
EPOCHS = {LLM: 25, FLOW: 25, JOINT: 5}
"""The guide's."""
SNAPSHOTS = "snapshots"
"""Where a save lies until it is written as a checkpoint file."""
LLM_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
LIGHT_FLOW = {"kind": "lora", "rank": 16, "alpha": 16.0, "dropout": 0.0}
"""What ``model.flow.lora`` trains instead of the flow's decoder."""
FRAMES_PER_SECOND = 100
"""Of ``data.filter``: frames of 10 ms, as CosyVoice counts them."""


def as_recipe(given: Given, mode: str, places: Places) -> dict[str, Any]:
    """The file as a recipe; everything not in it is the family's own starting recipe.

    Raises:
        TunesmithError: at the line of a key that asks for what is not offered.
    """
    from tunesmith.families.step_audio.family import STEP_AUDIO

    config = given.config
    refuse(given, mode)
    optim, start = config.optim, STEP_AUDIO.recipe_defaults
    return {
        "name": places.name,
        "model": {"path": places.model, "family": STEP_AUDIO.name, "device": places.device},
        "data": {"folder": places.train, "layout": "pairs", "valid_file": places.held_out},
        "checks": limits(config, dict(start["checks"])),
        "adapter": adapter(config),
        "train": {
            "seed": config.basic.seed,
            "batch_size": config.data.batch_size,
            "accumulation": optim.accum_grad,
            "token_budget": config.data.max_frames_in_batch,
            "learning_rate": optim.lr_llm,
            "warmup_updates": optim.warmup_steps,
            "weight_decay": optim.weight_decay,
            "max_grad_norm": optim.grad_clip,
            "log_every": max(1, config.basic.log_interval // optim.accum_grad),
            "snapshots": SNAPSHOTS,
            "gradient_checkpointing": True,
            "stages": stages(given, mode),
        },
        "options": {
            "train": mode,
            "llm_weight": config.loss.llm_weight,
            "flow_weight": config.loss.flow_weight,
            "freeze_encoder": config.model.flow.freeze_encoder,
            "flow_steps": config.model.flow.n_timesteps,
            "tokenizer_path": places.tokenizer,
            "flow_path": places.flow,
        },
    }


def refuse(given: Given, mode: str) -> None:
    """Refuse what cannot be done as the file asks.

    Raises:
        TunesmithError: at its line.
    """
    llm = given.config.model.llm
    if mode != FLOW and not (llm.lora and llm.freeze_backbone):
        key = "lora" if not llm.lora else "freeze_backbone"
        raise TunesmithError(
            msg("of the LLM a LoRA adapter is trained, never all 3.5 billion parameters"),
            where=given.where("model", "llm", key),
            remedy=msg("Write {key}: true, or train the flow alone (--mode flow).", key=key),
        )
    unknown = [name for name in llm.lora_target_modules if name not in LLM_LAYERS]
    if unknown or not llm.lora_target_modules:
        raise TunesmithError(
            msg("the LLM has no layer {layers}", layers=tuple(unknown)) if unknown else msg("no layer is named"),
            where=given.where("model", "llm", "lora_target_modules"),
            remedy=msg("It has {layers}.", layers=LLM_LAYERS),
        )


def stages(given: Given, mode: str) -> dict[str, dict[str, float]]:
    """Length of every stage; those that this mode leaves out have none."""
    stage = given.config.stage
    given_epochs = {LLM: stage.stage1_epochs, FLOW: stage.stage2_epochs, JOINT: stage.stage3_epochs}
    rest = given.config.basic.max_epoch if given.has("basic", "max_epoch") else None
    lengths = {name: length if length is not None else rest for name, length in given_epochs.items()}
    found: dict[str, dict[str, float]] = {
        name: {"epochs": (EPOCHS[name] if length is None else length) if name in STAGES[mode] else 0}
        for name, length in lengths.items()
    }
    found[JOINT]["lr_factor"] = stage.joint_lr_scale
    return found


def adapter(config: Config) -> dict[str, Any]:
    """LoRA on the LLM; of the flow its decoder itself, or a light LoRA too."""
    from tunesmith.families.step_audio.defaults import FLOW_TARGETS

    llm, flow = config.model.llm, config.model.flow
    light = {**LIGHT_FLOW, "targets": list(FLOW_TARGETS)}
    flow_adapter: dict[str, Any] = light if flow.lora else {"kind": "full"}
    return {
        "rank": llm.lora_r,
        "alpha": float(llm.lora_alpha),
        "dropout": llm.lora_dropout,
        "targets": list(llm.lora_target_modules),
        "networks": {FLOW: {**flow_adapter, "learning_rate": config.optim.lr_flow}},
    }


def limits(config: Config, usual: dict[str, Any]) -> dict[str, float]:
    """Shortest and longest clip: what the file allows, and never over what the model takes."""
    chosen, found = config.data.filter, {}
    longest = [config.data.max_audio_len, chosen.max_length and chosen.max_length / FRAMES_PER_SECOND]
    found["max_seconds"] = min([usual["max_seconds"], *(seconds for seconds in longest if seconds)])
    if chosen.min_length:
        found["min_seconds"] = chosen.min_length / FRAMES_PER_SECOND
        found["short_seconds"] = max(usual["short_seconds"], found["min_seconds"])
    return found
