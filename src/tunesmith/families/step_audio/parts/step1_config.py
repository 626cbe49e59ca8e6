"""Sizes of Step-Audio-EditX's LLM from its ``config.json``, without torch."""

from __future__ import annotations

from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import REPOSITORY, Step1Config, known
from tunesmith.files import read_json
from tunesmith.texts import msg

CONFIG = "config.json"
MODEL_TYPE = "step1"
_SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_attention_groups")
_AGAIN = msg("Download {repository} again.", repository=REPOSITORY)


def read_config(folder: Path) -> Step1Config:
    """Sizes from ``config.json``.

    Raises:
        TunesmithError: when it is absent, no JSON object, of another architecture, or lacks a size.
    """
    file = folder / CONFIG
    raw = read_json(file)
    if not isinstance(raw, dict) or raw.get("model_type") != MODEL_TYPE:
        found = raw.get("model_type") if isinstance(raw, dict) else None
        raise TunesmithError(
            msg(
                "this is not the LLM of Step-Audio-EditX: its model_type is {found!r}, not {model_type!r}",
                found=found,
                model_type=MODEL_TYPE,
            ),
            where=str(file),
            remedy=msg("Give the folder of {repository}.", repository=REPOSITORY),
        )
    missing = [name for name in (*_SIZES, "vocab_size") if not isinstance(raw.get(name), int)]
    if missing:
        raise TunesmithError(msg("sizes are missing: {keys}", keys=missing), where=str(file), remedy=_AGAIN)
    config = known(Step1Config, raw)
    heads, groups = config.num_attention_heads, config.num_attention_groups
    if min(heads, groups) < 1 or config.hidden_size % heads or heads % groups:
        raise TunesmithError(
            msg(
                "a width of {width} does not divide into {heads} heads in {groups} groups",
                width=config.hidden_size,
                heads=heads,
                groups=groups,
            ),
            where=str(file),
            remedy=_AGAIN,
        )
    return config
