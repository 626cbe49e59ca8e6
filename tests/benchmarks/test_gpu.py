"""The GPU benchmark on a CPU: every part goes through, small; what it compares, counts and keeps is right."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))  # its scripts import one another as they are run

import gpu
from gpu_parts import bench, floors, gradients, memory, record
from gpu_parts.cases import CASES, MUSIC, SONG, SPEECH, Place
from gpu_parts.steps import Step
from tunesmith.files import read_json

STEPS = {
    "losses": ["*, wide"],
    "resume": ["*, bf16"],
    "compile": ["*, fp32", "*attention*"],
    "quantised": [],
    "memory": ["*60 s*", "*ids*", "MusicGen*off"],
    "speed": ["*8,000*off", "MusicGen, 2,000 tokens, compile regional"],
    "samplers": ["*batch 1"],
}
"""At least one step of every family; the others differ in sizes alone. Packed ones need libraries of their own."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("cpu", True, tmp_path)


@pytest.fixture(autouse=True)
def without_a_compiler():
    """Compiling blocks takes a compiler and minutes; what asks for it is run all the same."""
    with torch.compiler.set_stance("force_eager"):
        yield


def run(out: Path, *arguments: str) -> int:
    return gpu.main(["--pocket", "--device", "cpu", "--out", str(out), *arguments])


@pytest.mark.parametrize("part", [part for part, patterns in STEPS.items() if patterns])
def test_every_part_goes_through_on_a_cpu(part, tmp_path):
    assert run(tmp_path, "--only", part, "--steps", *STEPS[part]) == 0
    steps = read_json(tmp_path / "gpu.json")["runs"]["--pocket"]["figures"]["parts"][part]
    assert {name.partition(",")[0] for name in steps} >= {
        step.name.partition(",")[0] for step in record.PARTS[part](Place("cpu", True, tmp_path))
    }
    if part in record.CORRECTNESS:
        assert all(figures["ok"] for figures in steps.values())
    table = (tmp_path / "gpu.md").read_text("utf-8")
    assert all(f"| {name} |" in table for name in steps)


@pytest.mark.parametrize(("packing", "library"), [("int8", "torchao"), ("nf4", "bitsandbytes")])
def test_a_packed_base_goes_through_on_a_cpu(packing, library, place):
    pytest.importorskip(library)
    for case in (SONG, SPEECH):
        figures = gradients.against_full(case, "wide", packing, place)
        assert figures["ok"] and figures["of_full"]["gradient"] > 0


def test_a_packed_base_has_the_numbers_of_the_full_one(place):
    pytest.importorskip("torchao")
    full, packed = (SONG.open("wide", place, base_weights=kind).networks.load() for kind in ("full", "int8"))
    for name, layer in full["transformer"].transformer_blocks.named_modules():
        if isinstance(layer, torch.nn.Linear):
            other = packed["transformer"].transformer_blocks.get_submodule(name)
            assert (other.weight - layer.weight).abs().max() <= layer.weight.abs().max() / 127


def test_a_step_that_fails_is_kept_with_its_error_and_done_again(place, tmp_path, monkeypatch):
    outcomes = [RuntimeError("no memory\nis left"), {"ok": True}]

    def step() -> dict:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    ran = []
    later = Step("later", 1.0, lambda: ran.append(1) or {"ok": True})
    monkeypatch.setattr(record, "PARTS", {"losses": lambda _place: [Step("first", 1.0, step), later]})
    budget, wanted = record.Budget(100.0, time.monotonic()), record.Wanted()
    record.do("losses", place, record.Results(tmp_path, ["--pocket"]), budget, wanted)
    kept = record.Results(tmp_path, ["--pocket"])
    assert kept.parts["losses"]["first"]["error"].startswith("RuntimeError: no memory (test_gpu.py:")
    assert ran == [1] and not kept.has("losses", "first") and kept.has("losses", "later")
    record.do("losses", place, kept, budget, wanted)
    assert record.Results(tmp_path, ["--pocket"]).has("losses", "first") and ran == [1]


def test_no_step_is_begun_that_may_outlast_the_budget(tmp_path, monkeypatch):
    steps = [Step("long", 60.0, dict), Step("short", 1.0, lambda: {"ok": True})]
    monkeypatch.setattr(record, "PARTS", {"losses": lambda _place: steps})
    results = record.Results(tmp_path, [])
    left_out = record.do(
        "losses", Place("cpu", False, tmp_path), results, record.Budget(30.0, time.monotonic()), record.Wanted()
    )
    assert left_out == ["losses: long"] and list(results.parts["losses"]) == ["short"]


def test_figures_of_another_machine_are_not_taken_for_this_ones(place, tmp_path, monkeypatch):
    record.Results(tmp_path, []).keep("losses", "one", {"ok": True})
    assert record.Results(tmp_path, []).has("losses", "one")
    here = record.machine()
    monkeypatch.setattr(record, "machine", lambda: {**here, "accelerator": "another"})
    assert not record.Results(tmp_path, []).parts


def test_a_gradient_that_is_off_is_seen_and_so_is_where(place):
    loss, reference = bench.loss_and_gradients(gradients.bench(MUSIC, "wide", place, "fp32"))
    off = {name: 1.03 * value if ".q_proj." in name else value for name, value in reference.items()}
    found = gradients.compared((loss, off), (loss, reference), "fp32")
    assert not found["ok"]
    assert found["by_target"]["q_proj"] == pytest.approx(0.03, rel=1e-3) and found["by_target"]["k_proj"] == 0
    assert all(value.any() for value in reference.values())  # none is zero because its adapter is fresh
    with pytest.raises(ValueError, match="other parameters"):
        bench.error({}, reference)


def test_full_sizes_are_those_of_the_published_cards(tmp_path):
    place = Place("cpu", False, tmp_path)
    for case in (MUSIC, SONG, SPEECH):
        family = case.open("full", place)
        networks = family.networks.load(meta=True)
        counted = sum(p.numel() for network in networks.values() for p in network.parameters())
        card = memory.card_of(case, family, place)
        assert counted == card.trained_parameters, case.name
        if case is not MUSIC:
            shape = card.shapes[0]
            assert (
                len(family.networks.repeated_blocks(family.networks.names[0], networks[family.networks.names[0]]))
                == shape.layers
            )


def test_floors_are_those_that_were_counted(tmp_path):
    """TFLOP of a step by FlopCounterMode at the published sizes, ranks 16; the formulas leave the small parts out."""
    place = Place("cpu", False, tmp_path)
    music, song, speech = (case.open("full", place).checkpoint for case in (MUSIC, SONG, SPEECH))
    transformer, llm = song.config.transformer, speech.configs[0]
    counted = {
        2.04e12: floors.song_forward(transformer, 161, 465),
        3.50e12: floors.song_forward(transformer, 323, 465),
        23.8e12: floors.song_forward(transformer, 2584, 465),
        5.47e12: floors.music_forward(music.config, 754, 24),
        11.9e12: floors.music_forward(music.config, 1504, 24),
        21.8e12: floors.speech_forward(llm, 1450, 630),
    }
    for step, forward in counted.items():
        assert floors.STEP_OVER_FORWARD * forward == pytest.approx(step, rel=0.07)


def test_drawn_weights_are_the_same_each_time(place):
    for case in CASES:
        first, second = (case.open("wide", place).networks.load() for _ in range(2))
        for name, network in first.items():
            other = dict(second[name].named_parameters())
            assert all(torch.equal(p, other[key]) and p.isfinite().all() for key, p in network.named_parameters())
