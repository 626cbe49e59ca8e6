"""The train stage: what it says of the kept weights before anyone has heard them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.training.test_trainer import BASE
from tunesmith.adapters.files import load_adapter
from tunesmith.records.stage_state import StageState, TrainSummary
from tunesmith.run.adapted import adapter_folder, load_adapted
from tunesmith.stages.loss_meter import Meter
from tunesmith.stages.probes import measure_probes
from tunesmith.stages.train import train
from tunesmith.training.held_out import measure_held_out


@pytest.fixture
def trained(make_run):
    context = make_run(train={**BASE, "updates": 4, "learning_rate": 0.01, "valid_every": 2})
    return context, TrainSummary.model_validate(train(context))


def test_training_ends_with_probes_of_the_weights_that_are_kept(trained):
    context, summary = trained
    now = measure_probes(Meter(context, load_adapted(context.family, adapter_folder(context), "cpu"), "cpu"))
    assert summary.probes.train.base == pytest.approx(now.train.base, rel=1e-5)
    assert summary.probes.train.adapter == pytest.approx(now.train.adapter, rel=1e-5)
    assert summary.probes.gains.adapter == pytest.approx(now.gains.adapter, abs=1e-4)
    told = context.folder.log.read_text(encoding="utf-8")
    assert f"loss of {now.clips} training clips {now.train.base:.3f} → {now.train.adapter:.3f}" in told
    assert "another clip's caption costs" in told


def test_what_training_has_measured_is_measured_again_only_of_another_adapter(trained, monkeypatch):
    context, summary = trained
    told = {"stage": "train", "fingerprint": "", "status": "done", "summary": summary.model_dump(mode="json")}
    StageState.model_validate(told).write(context.folder.stage("train"))
    adapter, asked = adapter_folder(context), []
    networks, sums = load_adapted(context.family, adapter, "cpu"), Meter.sums
    monkeypatch.setattr(Meter, "sums", lambda meter, samples: asked.append(len(samples)) or sums(meter, samples))
    assert len(measure_probes(Meter(context, networks, "cpu"), adapter=adapter).gains.base) == summary.probes.clips
    known = len(asked)
    config = adapter / "adapter_config.json"
    config.write_text(config.read_text().replace('"lora_alpha": ', '"lora_alpha": 1'))
    assert measure_probes(Meter(context, networks, "cpu"), adapter=adapter).train is not None
    assert len(asked) - known == known + 2, "the training clips under their own captions and under lent ones"


def test_the_last_weights_are_not_probed_where_others_were_kept(make_run, monkeypatch):
    falling_then_rising = iter((5.0, 3.0, 4.0))
    measured = "tunesmith.training.validation_loop.measure_held_out"
    monkeypatch.setattr(measured, lambda run: replace(measure_held_out(run), loss=next(falling_then_rising)))
    context = make_run(train={**BASE, "updates": 4, "learning_rate": 0.1, "valid_every": 2})
    summary = TrainSummary.model_validate(train(context))
    networks = load_adapted(context.family, context.folder.final, "cpu")
    last = measure_probes(Meter(context, networks, "cpu")).train.adapter
    load_adapter(networks, adapter_folder(context))
    kept = measure_probes(Meter(context, networks, "cpu")).train.adapter
    assert summary.best_update == 2
    assert summary.probes.train.adapter == pytest.approx(kept, rel=1e-6)
    assert kept != pytest.approx(last, rel=1e-6)
