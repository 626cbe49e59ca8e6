"""``config/zh_rap_lora_config.json``: PEFT's keys as the guides write them, read into the recipe's adapter section."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.adapters.settings import AdapterRecipe
    from tunesmith.families.ace_step.config import TransformerConfig

KEYS = {
    "r": "rank",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "use_rslora": "rslora",
    "use_dora": "kind",
    "target_modules": "targets",
}
"""Keys that are used, with the recipe's name for each."""
FIXED: dict[str, tuple[Any, ...]] = {
    "peft_type": ("LORA",),
    "task_type": (None,),
    "bias": ("none",),
    "modules_to_save": (None, []),
    "fan_in_fan_out": (False,),
    "init_lora_weights": (True,),
    "inference_mode": (True, False),
}
"""Keys that PEFT writes beside them, with the values that mean what is done here."""
IGNORED = ("base_model_name_or_path", "revision", "auto_mapping")
"""Keys that say where an adapter came from."""
_EXAMPLE = '{"r": 16, "lora_alpha": 32, "target_modules": ["to_q", "to_k", "to_v", "to_out.0"]}'
_REMEDY = msg("It should read {example}.", example=_EXAMPLE)


def read_lora_config(path: Path) -> dict[str, Any]:
    """The recipe's adapter section from a LoRA config.

    Raises:
        TunesmithError: for a file that is missing or no JSON, an unknown key, or a value that cannot be used.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise TunesmithError(msg("this file is not a JSON object"), where=str(path), remedy=_REMEDY)
    for key, value in content.items():
        _refuse_unknown(key, value, path)
    for key in ("r", "lora_alpha", "target_modules"):
        if key not in content:
            raise TunesmithError(msg("this LoRA config has no `{key}`", key=key), where=str(path), remedy=_REMEDY)
    adapter = {name: content[key] for key, name in KEYS.items() if key in content}
    if "kind" in adapter:
        adapter["kind"] = "dora" if adapter["kind"] is True else "lora"
    return adapter


def _refuse_unknown(key: str, value: Any, path: Path) -> None:
    if key in FIXED:
        if value not in FIXED[key]:
            raise TunesmithError(
                msg("`{key}` is {value}, which is not supported", key=key, value=repr(value)),
                where=str(path),
                remedy=msg("Leave it out, or write {value}.", value=repr(FIXED[key][0])),
            )
        return
    if key not in KEYS and key not in IGNORED:
        close = difflib.get_close_matches(key, KEYS, 1)
        guess = msg("Did you mean `{name}`?", name=close[0]) if close else None
        raise TunesmithError(
            msg("unknown key `{key}`", key=key),
            where=str(path),
            remedy=guess or msg("Known keys: {names}.", names=tuple(KEYS)),
        )
    if problem := _problem(key, value):
        raise TunesmithError(problem, where=str(path), remedy=_REMEDY)


def _problem(key: str, value: Any) -> Message | None:
    """What a key's value must be, where it is not; texts and switches are no numbers here."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    text = repr(value)
    match key:
        case "r" if not (number and isinstance(value, int) and 0 < value <= 1024):
            return msg("`{key}` must be a whole number, 1 to 1024, not {value}", key=key, value=text)
        case "lora_alpha" if not (number and 0 < value < float("inf")):
            return msg("`{key}` must be a number above 0, not {value}", key=key, value=text)
        case "lora_dropout" if not (number and 0 <= value < 1):
            return msg("`{key}` must be a number from 0 up to 1, not {value}", key=key, value=text)
        case "use_rslora" | "use_dora" if not isinstance(value, bool):
            return msg("`{key}` must be true or false, not {value}", key=key, value=text)
        case "target_modules" if not _are_names(value):
            return msg("`{key}` must be a list of module names, not {value}", key=key, value=text)
    return None


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name for name in value)


def adapter_size(adapter: AdapterRecipe, config: TransformerConfig, where: Path) -> int:
    """Parameters of the adapter, counted on a transformer without weights.

    Raises:
        TunesmithError: naming every target that is no module of the transformer.
    """
    from tunesmith.adapters.attach import attach
    from tunesmith.adapters.parameters import trainable
    from tunesmith.adapters.settings import AdapterDefaults
    from tunesmith.families.ace_step.adapters import TARGETS
    from tunesmith.families.ace_step.config import NETWORK
    from tunesmith.families.ace_step.parts.weights import load_transformer

    network = load_transformer(Path(), config, meta=True)
    refuse_unknown_targets(adapter.targets or TARGETS, network, where)
    defaults = {NETWORK: AdapterDefaults(TARGETS, adapter.rank, adapter.alpha)}
    attached = attach({NETWORK: network}, adapter, defaults, 0)
    return sum(parameter.numel() for parameter in trainable(attached).values())


def refuse_unknown_targets(targets: Sequence[str], network: nn.Module, where: Path) -> None:
    """PEFT passes over a target that names nothing as long as another one names something; here it is an error.

    Raises:
        TunesmithError: naming the targets and near ones.
    """
    from torch import nn

    layers = [name for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d)]
    unknown = [
        target for target in targets if not any(name == target or name.endswith(f".{target}") for name in layers)
    ]
    if not unknown:
        return
    ends = sorted({".".join(name.split(".")[-size:]) for name in layers for size in (1, 2)})
    close = [name for target in unknown for name in difflib.get_close_matches(target, ends, 1)]
    raise TunesmithError(
        msg("`target_modules` names {names}, and this model has no such layer", names=tuple(unknown)),
        where=str(where),
        remedy=msg("Did you mean {names}?", names=tuple(close))
        if close
        else msg("The guide's are {names}.", names=("to_q", "to_k", "to_v", "to_out.0")),
    )
