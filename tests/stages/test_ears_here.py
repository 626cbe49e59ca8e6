"""A new ear makes the check and the evaluation of speech hear again, and nothing else."""

from __future__ import annotations

import pytest

from tests.ears.tiny_ears import ge2e_checkpoint, know, quality_network, wheel
from tests.report import fake_run
from tunesmith.ears.catalogue import DNSMOS, GE2E
from tunesmith.ears.install import install
from tunesmith.recipe.models import Recipe
from tunesmith.records.speech_comparison import SpeechComparison
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES, RunFolder
from tunesmith.stages.compare_runs import _heard_by
from tunesmith.stages.inputs import ears_here, stage_inputs


@pytest.fixture
def ears(tmp_path, monkeypatch):
    """Installs two ears of random weights."""
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("TUNESMITH_EARS", str(tmp_path / "ears"))
    made = [
        wheel(GE2E, tmp_path / "wheels", {"pretrained.pt": ge2e_checkpoint(tmp_path / "made")}),
        wheel(DNSMOS, tmp_path / "wheels", {"sig_bak_ovr.onnx": quality_network(tmp_path / "made")}),
    ]
    know(monkeypatch, *(ear for _, ear in made))
    return lambda: [install(ear, lambda _: None, path) for path, ear in made]


@pytest.fixture
def context(tmp_path):
    def make(model: str) -> RunContext:
        (tmp_path / "clips").mkdir(exist_ok=True)
        recipe = Recipe.model_validate({"model": {"path": model}, "data": {"folder": str(tmp_path / "clips")}})
        return RunContext(RunFolder(tmp_path / "run").create(), recipe, Console(quiet=True))

    return make


def test_a_new_ear_makes_speech_be_heard_again(ears, context):
    before = {stage: stage_inputs(context("pocket/step_audio"), stage) for stage in STAGES}
    assert not any("ears" in inputs for inputs in before.values())  # so that runs from before there were ears stay
    ears()
    after = {stage: stage_inputs(context("pocket/step_audio"), stage) for stage in STAGES}
    assert {stage for stage in STAGES if before[stage] != after[stage]} == {"check", "evaluate"}
    assert (after["check"]["ears"], after["evaluate"]["ears"]) == (["GE2E"], ["GE2E", "DNSMOS"])


def test_music_does_not_depend_on_ears(ears, context):
    ears()
    assert not any("ears" in stage_inputs(context("pocket"), stage) for stage in STAGES)


def test_a_checkpoint_that_other_ears_heard_is_evaluated_again(ears, context, tmp_path):
    ears()
    here = ears_here(context("pocket/step_audio"))

    def heard(voice: str, quality: str | None, present: list[str]) -> bool:
        speech = SpeechComparison(transcriber=None, error_rate=None, voice=voice, quality=quality, edit_types=())
        path = tmp_path / "comparison_results.json"
        fake_run.record(["hello"], 3.0).model_copy(update={"speech": speech}).write(path)
        return _heard_by(path, present)

    assert heard("GE2E", "DNSMOS", here)
    assert not heard("GE2E", None, here) and not heard("MFCC statistics", "DNSMOS", here)
    assert heard("MFCC statistics", None, []) and not heard("MFCC statistics", None, here)
