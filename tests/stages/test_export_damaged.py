"""An adapter that nobody could load is not exported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tunesmith.errors import TunesmithError
from tunesmith.stages.export import _copy

CONFIG = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["to_q"]}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "adapter_config.json").write_bytes(b"\xfa\xfb"),
        lambda folder: (folder / "adapter_config.json").write_text("[]"),
        lambda folder: (folder / "adapter_config.json").unlink(),
        lambda folder: (folder / "adapter_model.safetensors").write_bytes(b""),
        lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"{}" * 40),
    ],
)
def test_a_damaged_adapter(damage: Callable[[Path], object], tmp_path: Path) -> None:
    source = tmp_path / "best_model"
    source.mkdir()
    (source / "adapter_config.json").write_text(json.dumps(CONFIG))
    save_file({"a": torch.ones(2)}, source / "adapter_model.safetensors")
    _copy(source, tmp_path / "good")
    assert sorted(path.name for path in (tmp_path / "good").iterdir()) == sorted(path.name for path in source.iterdir())
    damage(source)
    with pytest.raises(TunesmithError):
        _copy(source, tmp_path / "bad")
    assert not (tmp_path / "bad").exists()
