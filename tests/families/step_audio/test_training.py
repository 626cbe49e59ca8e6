"""Step-Audio through the shared loop: stages of LoRA and full tuning, stopped anywhere, on one process or two."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.families.step_audio.tiny_checkpoint import make_speech_run
from tunesmith.data.load import load
from tunesmith.data.sample import PROMPT
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import GenerationRequest
from tunesmith.families.loss_terms import combine
from tunesmith.families.step_audio.config import FLOW, LLM, TARGET
from tunesmith.families.step_audio.family import STEP_AUDIO
from tunesmith.records.metrics import PreviewLine, TrainLine, ValidLine
from tunesmith.run.adapted import load_adapted
from tunesmith.training import trainer as training
from tunesmith.training.base_outputs import stored_base_style
from tunesmith.training.gates import trained_frames
from tunesmith.training.loop import local_micro_batches, train_update
from tunesmith.training.setup import build_train_state
from tunesmith.training.trainer import InterruptedRunError, train
from tunesmith.training.validation import fixed_batches, fixed_items, measure

STAGES = {LLM: {"updates": 3}, FLOW: {"updates": 3}, "joint": {"updates": 3, "lr_factor": 0.5}}
TRAIN = {
    "stages": STAGES, "batch_size": 2, "accumulation": 2, "learning_rate": 5e-3, "valid_every": 3, "save_every": 2,
    "log_every": 1, "early_stopping": 0, "schedule": "constant",
}  # fmt: skip
ADAPTER = {"rank": 2, "alpha": 8, "networks": {FLOW: {"kind": "full", "learning_rate": 1e-3}}}
SCRIPT = """
import sys
from pathlib import Path
from tunesmith.recipe.models import Recipe
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.run.console import Console
from tunesmith.training.trainer import train
folder = RunFolder(Path(sys.argv[1]))
recipe = Recipe.model_validate_json((folder.path / "recipe.json").read_text())
train(RunContext(folder, recipe, Console(quiet=True)))
"""


@pytest.fixture
def make(tiny_folder, pairs, tmp_path):
    def make(name: str = "run", *, samples=None, adapter=ADAPTER, options=None, **train):
        sections = {"adapter": adapter, "train": {**TRAIN, **train}, "options": options or {}}
        return make_speech_run(tiny_folder, samples or pairs, tmp_path, name, **sections)

    return make


def kept(context, which: str = "final_model") -> dict[str, torch.Tensor]:
    folder = context.folder.path / which
    found = sorted(folder.rglob("*.safetensors"))
    return {f"{p.relative_to(folder).parent}.{k}": v for p in found for k, v in load_file(p).items()}


def test_all_stages_learn_and_the_best_of_both_is_kept(make, tiny_folder, pairs):
    context = make(valid_every=1)
    summary = train(context)
    assert [stage["name"] for stage in summary["stages"]] == [LLM, FLOW, "joint"]
    for stage in summary["stages"][:2]:
        assert stage["best_loss"] < stage["first_loss"], stage
    valid = list(context.folder.read_metrics(ValidLine))
    terms = {stage: set(next(r for r in valid if r.stage == stage).terms) for stage in (LLM, FLOW, "joint")}
    assert terms[LLM] == {"llm", "llm_accuracy"} and terms["joint"] == terms[LLM] | terms[FLOW]
    family = STEP_AUDIO.open(str(tiny_folder))
    networks = load_adapted(family, context.folder.best)
    source = {PROMPT: load(pairs[0].audios[PROMPT], 24_000, 1)}
    request = GenerationRequest(pairs[0].texts, 0.5, 1, source=source)
    (made,) = family.generation.generator(networks).generate([request])
    assert made.audio.shape[0] == 1 and np.isfinite(made.audio).all()
    state = build_train_state(context)
    state.networks = networks
    state.progress.stage = 2
    with torch.no_grad():
        again = measure(state, fixed_batches(family, fixed_items(state.valid), 2))
    best = min(summary["stages"][2]["best_loss"], summary["stages"][2]["first_loss"])
    assert again.loss == pytest.approx(best, abs=1e-5)


def test_accumulation_1x4_follows_4x1(make):
    runs = [make("many", batch_size=4, accumulation=1), make("one", batch_size=1, accumulation=4)]
    for run in runs:
        train(run)
    told = [[r.loss for r in run.folder.read_metrics(TrainLine)] for run in runs]
    assert len(told[0]) == 9 and np.allclose(told[0], told[1], rtol=1e-4)
    a, b = (kept(run) for run in runs)
    assert all(torch.allclose(a[k], b[k], atol=1e-3) for k in a)


@pytest.mark.parametrize("number", [3, 5, 8])  # a border, the middle of a stage, the joint stage
def test_an_interrupted_run_ends_bit_for_bit_like_an_uninterrupted_one(make, monkeypatch, number):
    how = {"ema_decay": 0.8, "use_weights": "ema", "adapter": {**ADAPTER, "dropout": 0.1}}
    whole, broken = make("whole", **how), make("broken", **how)
    train(whole)
    original = training.train_update
    monkeypatch.setattr(
        training, "train_update", lambda state, *, stop=False: original(state, stop=state.progress.update + 1 == number)
    )
    with pytest.raises(InterruptedRunError):
        train(broken)
    monkeypatch.setattr(training, "train_update", original)
    train(broken)
    for which in ("final_model", "best_model"):
        a, b = kept(whole, which), kept(broken, which)
        assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a), which


def test_two_processes_train_what_one_does(make):
    one, two = make("one", accumulation=2), make("two", accumulation=1)
    (two.folder.path / "recipe.json").write_text(two.recipe.model_dump_json())
    train(one)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--no-python"]
    launcher += ["--master_port", str(29000 + os.getpid() % 500), sys.executable, "-c", SCRIPT, str(two.folder.path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    done = subprocess.run(launcher, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    a, b = kept(one), kept(two)
    assert a.keys() == b.keys() and all(torch.allclose(a[k], b[k], atol=1e-3) for k in a)
    held_out = [[(r.stage, r.loss) for r in run.folder.read_metrics(ValidLine)] for run in (one, two)]
    assert [stage for stage, _ in held_out[0]] == [stage for stage, _ in held_out[1]]
    assert np.allclose([loss for _, loss in held_out[0]], [loss for _, loss in held_out[1]], rtol=1e-4)


@pytest.mark.parametrize(
    ("adapter", "files"),
    [
        (ADAPTER, {"llm/adapter_model.safetensors", "flow/tuned.safetensors"}),
        ({"rank": 2, "alpha": 4}, {"llm/adapter_model.safetensors", "flow/adapter_model.safetensors"}),
    ],
)
def test_both_kinds_of_flow_training_come_back(make, tiny_folder, adapter, files):
    context = make(adapter=adapter)
    train(context)
    written = {str(p.relative_to(context.folder.final)) for p in context.folder.final.rglob("*.safetensors")}
    assert written == files
    loaded = load_adapted(STEP_AUDIO.open(str(tiny_folder)), context.folder.final)
    tensors, state = kept(context), build_train_state(context)
    found = {f"{n}.{k}".replace(".default", ""): p for n, m in loaded.items() for k, p in m.named_parameters()}
    assert len(tensors) == len(state.parameters)
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize(("mode", "file"), [(LLM, "adapter_model.safetensors"), (FLOW, "tuned.safetensors")])
def test_one_network_alone_trains_in_its_own_stage(make, tiny_folder, mode, file):
    context = make(options={"train": mode})
    summary = train(context)
    assert [(stage["name"], stage["updates"]) for stage in summary["stages"]] == [(mode, 3)]
    assert (context.folder.final / file).exists()
    family = STEP_AUDIO.open(str(tiny_folder), STEP_AUDIO.settings(train=mode))
    networks, base = load_adapted(family, context.folder.final), family.networks.load()
    other = FLOW if mode == LLM else LLM
    assert all(torch.equal(p, q) for p, q in zip(networks[other].parameters(), base[other].parameters(), strict=True))
    changed = [not torch.equal(v, base[mode].state_dict().get(k, v)) for k, v in networks[mode].state_dict().items()]
    assert any(changed) or mode == LLM  # an adapter stands beside the base


def test_the_best_of_the_first_stage_alone_can_be_used(make, tiny_folder):
    context = make(stages={**STAGES, FLOW: {"updates": 0}, "joint": {"updates": 0}})
    train(context)
    assert not (context.folder.best / "flow" / "tuned.safetensors").exists()
    family = STEP_AUDIO.open(str(tiny_folder))
    networks, base = load_adapted(family, context.folder.best), family.networks.load()
    assert all(torch.equal(v, networks[FLOW].state_dict()[k]) for k, v in base[FLOW].state_dict().items())


def test_an_adapter_of_another_base_is_refused(make, tiny_family):
    context = make()
    train(context)
    folder = context.folder.final
    file = folder / "llm" / "adapter_model.safetensors"
    save_file({k: v[:, :-1].contiguous() if "lora_A" in k else v for k, v in load_file(file).items()}, file)
    with pytest.raises(TunesmithError, match="does not fit"):
        load_adapted(tiny_family, folder)


def test_checkpointing_gives_the_same_gradients(make):
    gradients = []
    for recompute in (False, True):
        state = build_train_state(make(f"c{recompute}", gradient_checkpointing=recompute))
        assert state.networks[FLOW].decoder.estimator.gradient_checkpointing is recompute
        (batch, rngs, *_), *_ = local_micro_batches(state, 0)
        combine(
            state.family.objective.loss(state.networks, batch, rngs), state.family.objective.loss_denominators(batch)
        ).backward()
        gradients.append({k: p.grad.clone() for k, p in state.parameters.items() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys() and {k.network for k in gradients[0]} == {LLM, FLOW}
    assert all(torch.allclose(gradients[0][k], gradients[1][k], atol=1e-6, rtol=1e-4) for k in gradients[0])


def test_clips_without_texts_or_audio_pass_the_gate_and_train(make, pairs, items, tiny_family):
    def numbers(codes):
        return (codes - tiny_family.checkpoint.ids.audio_base).tolist()

    tokens = {"prompt_tokens": numbers(items[5]["prompt_codes"]), "target_tokens": numbers(items[5]["codes"])}
    silent = [replace(one, texts={}) for one in pairs[2:5]]
    mixed = [*pairs[:2], *silent, replace(pairs[5], audios={}, attributes=tokens), *pairs[6:]]
    state = build_train_state(make(samples=mixed, batch_size=1, accumulation=6))
    assert trained_frames(state).status == "pass"
    for stage in range(3):
        state.progress.stage, state.progress.stage_began = stage, state.progress.update
        assert train_update(state).stepped
        state.progress.update += 1


def test_the_frozen_encoder_is_cached_and_its_dropout_never_heard(make):
    state = build_train_state(make(options={"train": FLOW}, learning_rate=1e-9))
    batches = fixed_batches(state.family, fixed_items(state.train), 2)
    with state.measuring():
        evaluated = measure(state, batches).loss
    with torch.no_grad():
        assert measure(state, batches).loss == evaluated  # in training mode, as the gate compares them
    assert state.networks[FLOW].config.encoder.dropout_rate > 0


def test_the_flow_trains_without_the_llm_in_memory(make, monkeypatch):
    flow = {"options": {"train": FLOW}, "stages": {FLOW: {"updates": 2}}}
    held, update = [], training.train_update

    def watched(state, **named):
        held.append(set(state.networks))
        return update(state, **named)

    monkeypatch.setattr(training, "train_update", watched)
    context = make(**flow)
    previews, style = {"every": 2, "count": 2, "seconds": 1.0}, {"forgetting_prompts": 2}
    recipe = context.recipe.model_copy(
        update={
            "previews": context.recipe.previews.model_copy(update=previews),
            "evaluate": context.recipe.evaluate.model_copy(update=style),
        }
    )
    context = context.with_recipe(recipe)
    train(context)
    assert held and all(names == {FLOW} for names in held)
    made = [line for line in context.folder.read_metrics(PreviewLine) if line.update == 2]
    assert made and all((context.folder.path / line.file).exists() for line in made)
    assert stored_base_style(context), "the base answers its own prompts with an LLM that is loaded for it alone"
    both = load_adapted(context.family, context.folder.best)
    assert set(both) == {LLM, FLOW}


def test_without_the_llm_a_recording_is_spoken_from_its_own_codes(tiny_folder, pairs):
    family = STEP_AUDIO.open(str(tiny_folder), STEP_AUDIO.settings(train=FLOW))
    networks = family.networks.load(family.networks.in_training())
    source = {PROMPT: load(pairs[0].audios[PROMPT], 24_000, 1), TARGET: load(pairs[0].audios[TARGET], 24_000, 1)}
    request = GenerationRequest(pairs[0].texts, 0.5, 1, source=source)
    generator = family.generation.generator(networks)
    (made,) = generator.generate([request])
    codes = generator.encoder.encode_recording(source[TARGET], 24_000).codes
    assert np.array_equal(made.encoded["codes"], codes)
    (again,) = generator.generate([replace(request, source={PROMPT: source[PROMPT]})])
    assert again.audio.shape != made.audio.shape or not np.allclose(again.audio, made.audio)
