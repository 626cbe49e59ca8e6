"""Fine-tuned weights in the Python interface: what is read, what stays, and that a card need not hold two models."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tunesmith.doorways.step_audio.tokenizer import StepAudioTokenizer
from tunesmith.doorways.step_audio.tts import StepAudioTTS
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio import loading
from tunesmith.families.step_audio.config import FLOW, LLM
from tunesmith.run import adapted


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the networks that are read from files, as they are."""
    names: list[str] = []
    original = loading.read_network

    def read_network(name: str, *rest: Any) -> nn.Module:
        names.append(name)
        return original(name, *rest)

    monkeypatch.setattr(loading, "read_network", read_network)
    return names


@pytest.fixture
def tts(read: list[str]) -> StepAudioTTS:
    made = StepAudioTTS("pocket", StepAudioTokenizer("pocket"))
    read.clear()
    return made


def first(network: nn.Module) -> tuple[str, torch.Tensor]:
    name, tensor = next(iter(network.state_dict().items()))
    return name, tensor.clone()


def changed(tts: StepAudioTTS, network: str, path: Path) -> tuple[Path, torch.Tensor]:
    """A checkpoint of one tensor, and that tensor: ones, the same in every precision."""
    name, tensor = first(tts.networks[network])
    torch.save({name: torch.ones_like(tensor)}, path)
    return path, torch.ones_like(tensor)


def test_only_what_has_a_checkpoint_is_read_again(tts: StepAudioTTS, read: list[str], tmp_path: Path) -> None:
    llm, base = tts.networks[LLM], first(tts.networks[FLOW])[1]
    file, tensor = changed(tts, FLOW, tmp_path / "flow.pt")
    tts.load_finetuned_model(flow_ckpt_path=file)
    assert read == [FLOW]
    assert tts.networks[LLM] is llm
    assert torch.equal(first(tts.networks[FLOW])[1], tensor)
    file, tensor = changed(tts, LLM, tmp_path / "llm.pt")
    tts.load_finetuned_model(file)
    assert read == [FLOW, LLM, FLOW]  # of which no checkpoint is named any more: the base's
    assert torch.equal(first(tts.networks[LLM])[1], tensor)
    assert torch.equal(first(tts.networks[FLOW])[1], base)


def test_a_checkpoint_that_means_the_base_brings_it_back(tts: StepAudioTTS, tmp_path: Path) -> None:
    base = first(tts.networks[FLOW])[1]
    tts.load_finetuned_model(flow_ckpt_path=changed(tts, FLOW, tmp_path / "flow.pt")[0])
    header = {"network": FLOW, "mode": "full", "targets": ["decoder"], "base": "pocket"}
    torch.save({"model_state_dict": {}, "header": header}, tmp_path / "base.pt")
    tts.load_finetuned_model(flow_ckpt_path=tmp_path / "base.pt")
    assert torch.equal(first(tts.networks[FLOW])[1], base)


def test_what_is_replaced_is_gone_before_the_new_one_is_moved(
    tts: StepAudioTTS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[bool] = []
    original = adapted.on_device

    def on_device(networks: Mapping[str, nn.Module], *rest: Any) -> dict[str, nn.Module]:
        alive.extend(old() is not None for old in before)
        return original(networks, *rest)

    monkeypatch.setattr(adapted, "on_device", on_device)
    files = {name: changed(tts, name, tmp_path / f"{name}.pt")[0] for name in (LLM, FLOW)}
    before = [weakref.ref(network) for network in (*tts.networks.values(), tts._generator)]
    tts.load_finetuned_model(files[LLM], files[FLOW])
    assert alive == [False, False, False]


def test_one_checkpoint_that_does_not_fit_leaves_everything_as_it_was(tts: StepAudioTTS, tmp_path: Path) -> None:
    name, tensor = first(tts.networks[FLOW])
    torch.save({name: tensor[:1, :1]}, tmp_path / "flow.pt")
    before, generator = dict(tts.networks), tts._generator
    state = {key: first(network)[1] for key, network in before.items()}
    with pytest.raises(TunesmithError, match="does not fit"):
        tts.load_finetuned_model(changed(tts, LLM, tmp_path / "llm.pt")[0], tmp_path / "flow.pt")
    assert tts.networks == before
    assert tts._generator is generator
    assert all(torch.equal(first(before[key])[1], tensor) for key, tensor in state.items())
