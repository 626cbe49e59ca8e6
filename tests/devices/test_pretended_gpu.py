"""Losses, generators and encoders of every family on a pretended GPU: nothing mixes, and the losses never wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from tests.devices.pretend import MixedDevicesError, PretendedGpu, is_on_gpu
from tests.families.step_audio.tiny_checkpoint import write_pairs, write_tiny
from tests.once import once
from tunesmith.data.item_rng import ItemRng
from tunesmith.data.layouts import read_layout
from tunesmith.data.load import load
from tunesmith.data.sample import PROMPT, Sample
from tunesmith.families.contract import Family, GenerationRequest
from tunesmith.families.registry import make_family
from tunesmith.pocket.shipped import example_clips
from tunesmith.training.state import to_device

SAMPLING = {"cpu in objective.py:sampled_codes", "__bool__ in flow.py:mu"}
"""Where Step-Audio's flow is taught on codes that its LLM draws, they come to the CPU, which draws them."""


@dataclass(frozen=True)
class Case:
    """A family with real samples and something to generate."""

    family: Family
    samples: list[Sample]
    request: GenerationRequest


def music(path: str, seconds: float) -> Case:
    samples = read_layout(example_clips(path.partition("/")[2])).samples[:2]
    request = GenerationRequest({"caption": samples[0].texts["caption"]}, seconds, 1)
    return Case(make_family(path), samples, request)


def speech(folder: Any) -> Case:
    pairs = write_pairs(folder / "pairs")
    source = {PROMPT: load(pairs[0].audios[PROMPT], 24_000, 1)}
    return Case(make_family(str(folder / "model")), pairs[:2], GenerationRequest(pairs[0].texts, 0.5, 1, source=source))


@pytest.fixture(scope="module", params=["musicgen", "ace_step", "step_audio"])
def case(request, tmp_path_factory) -> Case:
    if request.param != "step_audio":
        return music(f"pocket/{request.param}", 1.0)

    def make(folder) -> None:
        write_tiny(folder / "model")

    return speech(once(tmp_path_factory, "tiny-step-audio-on-gpu", make))


@pytest.fixture(scope="module")
def items(case) -> list[dict[str, np.ndarray]]:
    names = [spec.name for spec in case.family.encoding.fields()]
    with case.family.encoding.encoder() as encoder:
        return [encoder.encode(sample, names) for sample in case.samples]


@pytest.fixture
def gpu():
    with PretendedGpu() as gpu:
        yield gpu


def on_gpu(family: Family) -> dict[str, torch.nn.Module]:
    networks = {name: network.to("cuda") for name, network in family.networks.load().items()}
    assert all(is_on_gpu(parameter) for network in networks.values() for parameter in network.parameters())
    return networks


def test_no_loss_mixes_devices_or_waits(case, items, gpu):
    objective, networks = case.family.objective, on_gpu(case.family)
    draws = [ItemRng(0, 0, index) for index in range(len(items))]
    for rngs in (None, draws):
        batch = to_device(objective.collate(items, rngs), "cuda")
        terms = objective.loss(networks, batch, rngs)
        assert terms and all(is_on_gpu(term.sum) for term in terms.values())
        assert set(gpu.waits) <= SAMPLING
        gpu.waits.clear()
    for variant in objective.sanity_variants().values():
        variant(networks, to_device(objective.collate(items, None), "cuda"))  # once a run; it may wait


def test_no_generator_mixes_devices(case, gpu):
    generator = case.family.generation.generator(on_gpu(case.family), "cuda")
    generator.prepare([case.request])
    (made,) = generator.generate([case.request])
    assert isinstance(made.audio, np.ndarray) and np.isfinite(made.audio).all()


def test_no_encoder_mixes_devices(case, items, gpu):
    names = [spec.name for spec in case.family.encoding.fields()]
    with case.family.encoding.encoder("cuda") as encoder:
        found = encoder.encode(case.samples[0], names)
        sound = load(next(iter(case.samples[0].targets.values())), *rates(case.family))
        encoder.round_trip(sound)
    for name, values in items[0].items():
        assert np.array_equal(found[name], values), name


def rates(family: Family) -> tuple[int, int]:
    card = family.card.facts()
    return card.sample_rate, card.channels


def mixing() -> dict[str, Callable[[torch.Tensor], Any]]:
    return {
        "an operand": lambda x: x + torch.ones(3),
        "a position": lambda x: x * torch.arange(3),
        "a view": lambda x: x.numpy(),
        "an index": lambda x: torch.ones(3)[x.long()],
        "a generator": lambda x: x.normal_(generator=torch.Generator()),
        "a part": lambda x: torch.cat([x, torch.ones(3)]),
    }


@pytest.mark.parametrize("what", list(mixing()))
def test_what_a_gpu_refuses_is_refused(what, gpu):
    with pytest.raises(MixedDevicesError):
        mixing()[what](torch.ones(3).to("cuda"))


def test_what_a_gpu_takes_is_taken_and_waits_are_counted(gpu):
    x = torch.ones(3, device="cuda")
    assert x.device == torch.device("cuda", 0) and x.cpu().device.type == "cpu"
    gpu.waits.clear()
    assert is_on_gpu(x * torch.tensor(2.0) + torch.arange(3, device=x.device) + x.new_zeros(3))
    assert is_on_gpu(x[torch.tensor([0, 2])]) and is_on_gpu(torch.zeros_like(x))
    layer = torch.nn.Linear(3, 2).to(x.device)
    assert is_on_gpu(layer(x)) and not gpu.waits
    layer(x).sum().backward()
    assert is_on_gpu(layer.weight.grad)
    float(x.sum())
    _ = x[x > 0]
    x.tolist()
    x.cpu()
    assert sum(gpu.waits.values()) == 4
