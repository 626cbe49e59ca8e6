"""The contract on a family from outside the tree: one folder, one entry-point line, and it trains."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from tunesmith.data.sample import AudioRef, Sample, write_manifest
from tunesmith.errors import TunesmithError
from tunesmith.families import registry
from tunesmith.families.contract import GenerationRequest
from tunesmith.families.loss_terms import LossAccumulator
from tunesmith.families.registry import family_names, make_family, recognise
from tunesmith.recipe.models import Recipe
from tunesmith.records.metrics import TrainLine, ValidLine
from tunesmith.run.adapted import load_adapted
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.encode import encode
from tunesmith.training.loop import train_update
from tunesmith.training.setup import build_train_state
from tunesmith.training.trainer import train


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the duet family as a package of its own would: a module and its entry point."""
    site = tmp_path / "site"
    (site / "duet_family").mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "duet.py", site / "duet_family" / "__init__.py")
    info = site / "duet_family-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: duet-family\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tunesmith.families]\nduet = duet_family:DUET\n")
    monkeypatch.syspath_prepend(str(site))
    sys.modules.pop("duet_family", None)
    registry.installed.cache_clear()
    yield
    registry.installed.cache_clear()


def pairs(folder: Path) -> list[Sample]:
    rng = np.random.default_rng(1)
    samples = []
    for i in range(8):
        refs = {}
        for role, shift in (("prompt", 0), ("target", 30)):
            t = np.arange(int((1.0 + 0.3 * i) * 8000)) / 8000
            audio = 0.3 * np.sin(2 * np.pi * (200 + 40 * (i % 3) + shift) * t) + 0.01 * rng.standard_normal(len(t))
            path = folder / f"{i}-{role}.wav"
            sf.write(path, audio, 8000)
            refs[role] = AudioRef(str(path), duration=len(t) / 8000)
        samples.append(
            Sample(
                f"{i}",
                refs,
                {"asked": "a", "said": "b"},
                source=str(i),
                split="valid" if i < 2 else "train",
            )
        )
    return samples


@pytest.fixture
def context(installed, tmp_path: Path) -> RunContext:
    recipe = Recipe.model_validate(
        {
            "model": {"path": "duet:base", "device": "cpu"},
            "data": {"max_seconds": 2.0, "min_crop_seconds": 1.0},
            "adapter": {"rank": 4},
            "train": {
                "updates": 30, "batch_size": 2, "accumulation": 2, "learning_rate": 0.03, "log_every": 1,
                "valid_every": 10, "save_every": 10, "early_stopping": 0, "schedule": "constant",
            },
            "previews": {"every": 0},
        }
    )  # fmt: skip
    folder = RunFolder(tmp_path / "run").create()
    write_manifest(folder.manifest, pairs(tmp_path))
    made = RunContext(folder, recipe, Console(quiet=True))
    encode(made)
    return made


def test_one_entry_point_makes_a_family(installed):
    assert family_names() == ["ace_step", "duet", "musicgen", "step_audio"]
    assert recognise("duet:base") == "duet"
    assert make_family("duet:base").name == "duet"
    with pytest.raises(TunesmithError, match="Did you mean `duet`"):
        make_family("x", "duett")


def test_two_networks_train_in_stages_and_generate(context):
    family = context.family
    before = {n: {k: v.clone() for k, v in m.state_dict().items()} for n, m in family.networks.load().items()}
    summary = train(context)
    valid = list(context.folder.read_metrics(ValidLine))
    of = {stage: [r for r in valid if r.stage == stage] for stage in ("reader", "painter", "joint")}
    assert set(of["reader"][0].terms) == {"cross_entropy"}
    assert of["reader"][-1].terms["cross_entropy"] < of["reader"][0].terms["cross_entropy"] - 0.2
    assert of["painter"][-1].terms["flow"] < of["painter"][0].terms["flow"] - 0.2
    assert set(of["joint"][0].terms) == {"cross_entropy", "flow"}
    assert [stage["name"] for stage in summary["stages"]] == ["reader", "painter", "joint"]
    assert summary["best_update"] == 30
    assert {p.name for p in context.folder.best.iterdir()} >= {"reader", "painter"}
    rates = {r.update: r.learning_rate for r in context.folder.read_metrics(TrainLine)}
    assert rates[30] == pytest.approx(0.1 * rates[20])
    networks = load_adapted(family, context.folder.best)
    assert all(
        torch.equal(v, family.networks.load()[n].state_dict()[k]) for n, s in before.items() for k, v in s.items()
    )
    source = {"prompt": (0.3 * np.sin(np.arange(8000) / 5))[None].astype(np.float32)}
    made = next(family.generation.generator(networks).generate([GenerationRequest({}, 1.0, 0, source=source)]))
    assert made.audio.shape == (1, 8000)


def test_a_stage_trains_only_its_own_networks(context):
    state = build_train_state(context)
    start = {k: p.detach().clone() for k, p in state.parameters.items()}

    def moved():
        return {k.network for k, p in state.parameters.items() if not torch.equal(p, start[k])}

    train_update(state)
    assert moved() == {"reader"}
    state.progress.update = state.progress.stage_began = 10
    state.progress.stage = 1
    start.update({k: p.detach().clone() for k, p in state.parameters.items()})
    train_update(state)
    assert moved() == {"painter"}


def test_a_batch_is_the_weighted_mean_of_its_singles_for_every_term(context):
    state = build_train_state(context)
    crops = [state.train.crop(i, None) for i in range(4)]
    items = [state.train.read(i, crop) for i, crop in enumerate(crops)]
    together, apart = LossAccumulator(), LossAccumulator()
    _, _, rngs, _ = state.schedule.items(0)
    family = state.family
    together.add(family.objective.loss(state.networks, family.objective.collate(items, rngs[:4]), rngs[:4]))
    for item, draw in zip(items, rngs, strict=False):
        apart.add(family.objective.loss(state.networks, family.objective.collate([item], [draw]), [draw]))
    assert together.result().terms == pytest.approx(apart.result().terms, rel=1e-5)
    assert len({crop.length for crop in crops}) > 1


def test_crops_of_all_time_fields_stay_together(context):
    state = build_train_state(context)
    longest = int(np.argmax(state.train.frames))
    crop = state.train.crop(longest, None)
    item = state.train.read(longest, crop)
    assert len(item["tokens"]) == len(item["target"]) == crop.length == 40
    assert np.array_equal(item["tokens"], item["target"].argmax(1) * 2)
