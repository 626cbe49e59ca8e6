"""Damaged weights, and settings beside them that mean nothing, are refused in a sentence; no code of theirs runs."""

from __future__ import annotations

import json
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from tunesmith.adapters.files import recipe_of
from tunesmith.adapters.full import targets_of
from tunesmith.adapters.tensors import opened_tensors, read_pickled, read_tensors, unpickled, write_tensors
from tunesmith.errors import TunesmithError


class Attack:
    """Leaves a file where it is loaded by something that runs code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch executed",)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"{}\n"),
        lambda file: file.write_bytes(file.read_bytes()[:-4]),
        lambda file: file.write_bytes((2**62).to_bytes(8, "little") + b"{" + bytes(99)),
        lambda file: (file.unlink(), file.mkdir()),
        lambda file: file.unlink(),
    ],
    ids=["empty", "object", "torn", "endless", "folder", "missing"],
)
def test_damaged_safetensors(damage: Callable[[Path], object], tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(30)}, file)
    assert torch.equal(read_tensors(file)["a"], torch.ones(30))
    damage(file)
    with pytest.raises(TunesmithError, match=r"a.safetensors: .*(cannot be read|are missing)"):
        read_tensors(file)
    with pytest.raises(TunesmithError), opened_tensors(file) as tensors:
        tensors.keys()


def test_what_goes_wrong_while_weights_are_open_keeps_its_own_words(tmp_path: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "a.safetensors")
    with pytest.raises(FileNotFoundError), opened_tensors(tmp_path / "a.safetensors"):
        (tmp_path / "nowhere").read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", bytes(300), b"\x80\x04" + b"]" * 1000, pickle.dumps(Attack()), pickle.dumps({"a": Attack()})],
    ids=["empty", "object", "zeros", "nested", "attack", "attack-inside"],
)
def test_damaged_pickles(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.bin").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError):
            unpickled(Path("a.bin"))
        with pytest.raises(TunesmithError, match=r"a.bin: these weights cannot be read"):
            read_pickled(Path("a.bin"))
    assert not Path("executed").exists()


def test_a_pickle_without_tensors_by_name(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "a.bin")
    with pytest.raises(TunesmithError, match="holds no weights by name"):
        read_pickled(tmp_path / "a.bin")
    torch.save({"state_dict": {"a": torch.ones(2)}, "b": 3}, tmp_path / "a.bin")
    assert np.allclose(read_pickled(tmp_path / "a.bin")["a"], 1)


GOOD = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["to_q"]}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ([], "adapters of type .* are not supported"),
        ({}, "adapters of type .* are not supported"),
        (GOOD | {"r": "many"}, "settings cannot be read"),
        (GOOD | {"r": 10**9}, "settings cannot be read"),
        (GOOD | {"lora_alpha": float("nan")}, "settings cannot be read"),
        (GOOD | {"target_modules": [1]}, "settings cannot be read"),
        ({key: value for key, value in GOOD.items() if key != "r"}, "settings cannot be read"),
    ],
)
def test_settings_of_an_adapter_that_mean_nothing(config: object, words: str, tmp_path: Path) -> None:
    file = tmp_path / "adapter_config.json"
    file.write_text(json.dumps(GOOD))
    assert recipe_of(tmp_path).rank == 4
    file.write_text(json.dumps(config))
    with pytest.raises(TunesmithError, match=words):
        recipe_of(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"targets": "all"}', '{"targets": [1]}'])
def test_a_tuned_part_that_does_not_say_what_it_is(content: str, tmp_path: Path) -> None:
    from tunesmith.adapters.full import CONFIG

    (tmp_path / CONFIG).write_text(content)
    with pytest.raises(TunesmithError, match="does not say what was trained"):
        targets_of(tmp_path)


def test_the_same_tensors_and_metadata_make_the_same_bytes(tmp_path):
    told = {name: f'{name}: "Größe"\n' for name in "abcdef"}
    tensors = {"x": torch.ones(3), "y": torch.zeros(2, 2, dtype=torch.float16)}
    for number in range(6):
        write_tensors(tmp_path / f"{number}.safetensors", tensors, told)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    with safe_open(tmp_path / "0.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt", **told}
        assert all(torch.equal(file.get_tensor(name), tensor) for name, tensor in tensors.items())
