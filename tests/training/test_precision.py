"""Training in bf16 on a CPU: it follows fp32 as near as bf16 resolves, goes on to the last bit, and generates.

A CPU without bf16 of its own computes the same numbers, only slowly.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.families.step_audio.tiny_checkpoint import make_speech_run, write_pairs
from tests.training.test_trainer import BASE
from tests.training_runs import adapter_tensors, make_context, write_clips
from tunesmith.data.load import load
from tunesmith.data.sample import PROMPT, Sample
from tunesmith.families.contract import GenerationRequest
from tunesmith.families.loss_terms import LossAccumulator, combine
from tunesmith.records.checkpoint_state import CheckpointState
from tunesmith.records.metrics import EventLine, TrainLine
from tunesmith.run import adapted
from tunesmith.run.adapted import in_bf16, on_device
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STATE
from tunesmith.training import gates, precision, preflight
from tunesmith.training import trainer as training
from tunesmith.training.loop import inputs_left_alone, local_micro_batches
from tunesmith.training.probes import probe_clips
from tunesmith.training.setup import build_train_state
from tunesmith.training.state import TrainState
from tunesmith.training.trainer import InterruptedRunError, train

ROUNDING = 2.0**-8
"""Of one number in bf16, relative to it; what is computed from many of them is off by a few of these."""
LOSS, GRADIENT = 2 * ROUNDING, 16 * ROUNDING
"""The most that a loss, and the norm of all gradients' differences, may differ, relative to those of fp32."""
TRAIN = {**BASE, "updates": 6, "valid_every": 3, "save_every": 3}


@dataclass(frozen=True)
class Clips:
    """Clips of music, and pairs of speech."""

    music: list[Sample]
    speech: list[Sample]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    folder = tmp_path_factory.mktemp("sounds")
    return Clips(write_clips(folder / "music", 4, 48_000), write_pairs(folder))


@pytest.fixture(params=["musicgen", "ace_step", "step_audio"])
def make_pocket(request: pytest.FixtureRequest, sounds: Clips, tmp_path: Path) -> Callable[[str], RunContext]:
    """A function that makes an encoded run of a pocket model in a precision."""

    def make(wanted: str) -> RunContext:
        path = Path(f"pocket/{request.param}")
        sections = {"model": {"path": str(path), "device": "cpu", "precision": wanted}, "train": TRAIN}
        if request.param == "step_audio":
            return make_speech_run(path, sounds.speech, tmp_path, wanted, **sections)
        return make_context(path, sounds.music, tmp_path, wanted, **sections)

    return make


def loss_and_gradients(state: TrainState) -> tuple[float, dict[str, torch.Tensor]]:
    """Of the first micro-batch, all networks together."""
    (batch, rngs, *_), *_ = local_micro_batches(state, 0)
    meter = LossAccumulator()
    with state.accelerator.autocast():
        terms = state.family.objective.loss(state.networks, batch, rngs)
    meter.add(terms)
    loss = combine(terms, state.family.objective.loss_denominators(batch))
    assert loss is not None
    loss.backward()
    return meter.result().loss, {str(k): p.grad for k, p in state.parameters.items() if p.grad is not None}


def test_losses_and_gradients_are_those_of_fp32_as_near_as_bf16_resolves(make_pocket):
    losses, gradients = {}, {}
    for wanted in ("fp32", "bf16"):
        state = build_train_state(make_pocket(wanted))
        assert state.precision == wanted
        assert {p.dtype for p in state.parameters.values()} == {torch.float32}
        losses[wanted], gradients[wanted] = loss_and_gradients(state)
    for name, network in state.networks.items():
        frozen = {p.dtype for p in network.parameters() if not p.requires_grad}
        assert frozen == {torch.float32 if name in state.family.networks.full_precision else torch.bfloat16}
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=LOSS)
    assert losses["bf16"] != losses["fp32"]
    assert gradients["bf16"].keys() == gradients["fp32"].keys()
    flat = {name: torch.cat([g.flatten() for g in found.values()]) for name, found in gradients.items()}
    assert (flat["bf16"] - flat["fp32"]).norm() <= GRADIENT * flat["fp32"].norm()


def test_leaving_out_the_cast_of_inputs_changes_no_bit(make_pocket):
    state = build_train_state(make_pocket("bf16"))
    layers = [m for n in state.networks.values() for m in n.modules() if hasattr(m, "cast_input_dtype_enabled")]
    found = []
    for around in (nullcontext(), inputs_left_alone(state)):
        for parameter in state.parameters.values():
            parameter.grad = None
        with around:
            found.append((loss_and_gradients(state), [layer.cast_input_dtype_enabled for layer in layers]))
    ((loss, gradients), cast), ((bare_loss, bare_gradients), bare_cast) = found
    assert all(cast) and not all(bare_cast) and all(layer.cast_input_dtype_enabled for layer in layers)
    assert loss == bare_loss
    assert all(torch.equal(g, bare_gradients[name]) for name, g in gradients.items())


def test_gates_pass_and_sounds_are_generated_in_bf16(make_pocket, sounds):
    context = make_pocket("bf16")
    state, family = build_train_state(context), context.family
    batches, base = probe_clips(state)
    assert gates.train_equals_eval(state, batches, base).status == "pass"
    assert gates.layout(state, batches, base).value is not None
    if family.is_speech:
        sample = sounds.speech[0]
        request = GenerationRequest(sample.texts, 0.5, 1, source={PROMPT: load(sample.audios[PROMPT], 24_000, 1)})
    else:
        options = {"steps": 2} if family.name == "ace_step" else {}
        request = GenerationRequest({"caption": "trap 808 beat"}, 0.5, 1, options=options)
    finished = on_device(family.networks.load(), "cpu", family.networks.full_precision, bf16=True)
    with state.measuring():
        for networks in (state.networks, finished):
            (made,) = family.generation.generator(networks, "cpu").generate([request])
            assert np.isfinite(made.audio).all() and made.audio.shape[-1] > 0


def stop_at(monkeypatch: pytest.MonkeyPatch, context: RunContext, update: int) -> None:
    """Train a run until it is asked to stop."""
    original = training.train_update
    with monkeypatch.context() as patch:
        patch.setattr(
            training,
            "train_update",
            lambda state, *, stop=False: original(state, stop=stop or state.progress.update == update - 1),
        )
        with pytest.raises(InterruptedRunError):
            train(context)


def in_precision(context: RunContext, wanted: str) -> RunContext:
    """The same run under another ``model.precision``."""
    model = context.recipe.model.model_copy(update={"precision": wanted})
    return replace(context, recipe=context.recipe.model_copy(update={"model": model}))


def test_a_run_goes_on_in_the_precision_that_it_began_in_to_the_last_bit(make_run, tiny, monkeypatch):
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: True)
    monkeypatch.setattr(adapted, "cpu_has_bf16", lambda: True)
    model = {"path": str(tiny), "device": "cpu", "precision": "bf16"}
    whole, broken = (make_run(name, model=model, train=TRAIN) for name in ("whole", "broken"))
    train(whole)
    stop_at(monkeypatch, broken, 4)
    kept = broken.folder.newest_checkpoint()
    assert CheckpointState.read(kept / STATE).precision == "bf16"
    assert in_bf16(broken, "cpu")
    summary = train(in_precision(broken, "auto"))
    assert summary["precision"] == "bf16"
    for which in ("final_model", "best_model"):
        a, b = adapter_tensors(whole, which), adapter_tensors(broken, which)
        assert a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)
    assert [line.loss for line in whole.folder.read_metrics(TrainLine)] == [
        line.loss for line in broken.folder.read_metrics(TrainLine)
    ]


def test_a_run_goes_on_in_the_precision_that_is_named(make_run, tiny, monkeypatch):
    context = make_run(model={"path": str(tiny), "device": "cpu", "precision": "bf16"}, train=TRAIN)
    stop_at(monkeypatch, context, 4)
    assert train(in_precision(context, "fp32"))["precision"] == "fp32"


@pytest.mark.parametrize(
    ("wanted", "device", "pinned", "has", "expected"),
    [
        ("auto", "cpu", "", False, "fp32"),
        ("auto", "cpu", "bf16", True, "bf16"),
        ("auto", "cpu", "bf16", False, "fp32"),
        ("auto", "cpu", "fp32", True, "fp32"),
        ("bf16", "cpu", "", False, "bf16"),
        ("fp32", "cpu", "bf16", True, "fp32"),
        ("fp16", "cpu", "bf16", True, "fp32"),
        ("bf16", "mps", "", False, "fp32"),
        ("auto", "cuda", "", True, "bf16"),
        ("auto", "cuda", "", False, "fp32"),
        ("auto", "cuda", "fp32", True, "fp32"),
        ("auto", "cuda", "fp16", True, "fp16"),
        ("auto", "cuda", "bf16", False, "fp32"),
        ("bf16", "cuda", "", False, "fp16"),
        ("fp16", "cuda", "", True, "bf16"),
        ("fp32", "cuda", "bf16", True, "fp32"),
    ],
)
def test_what_is_asked_for_goes_before_what_was_and_that_before_what_is_there(
    monkeypatch, wanted, device, pinned, has, expected
):
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: has)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: has)
    assert precision.settled(wanted, device, pinned) == expected


def test_a_cpu_without_bf16_is_warned_about_and_obeys(make_run, tiny, monkeypatch):
    monkeypatch.setattr(preflight, "cpu_has_bf16", lambda: False)
    monkeypatch.setattr(adapted, "cpu_has_bf16", lambda: False)
    model = {"path": str(tiny), "device": "cpu", "precision": "bf16"}
    context = make_run(model=model, train={**BASE, "updates": 1})
    assert train(context)["precision"] == "bf16"
    said = [str(e.message) for e in context.folder.read_metrics(EventLine) if e.name == "precision"]
    assert len(said) == 1 and "neither AMX nor AVX512-BF16" in said[0]
    assert not in_bf16(context, "cpu")  # generating takes no harm from fp32


def test_checkpoints_of_before_say_nothing_of_their_precision(make_run, tiny, monkeypatch):
    context = make_run(model={"path": str(tiny), "device": "cpu", "precision": "fp32"}, train=TRAIN)
    stop_at(monkeypatch, context, 4)
    path = context.folder.newest_checkpoint() / STATE
    state = json.loads(path.read_text("utf-8"))
    del state["precision"]
    path.write_text(json.dumps(state), "utf-8")
    assert train(in_precision(context, "auto"))["precision"] == "fp32"
