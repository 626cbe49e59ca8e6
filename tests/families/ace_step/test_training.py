"""ACE-Step through the shared loop: it resumes to the last bit, a batch may be cut, both paths agree."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile as sf
import torch

from tests.golden_files import golden_path
from tests.training_runs import OFF, adapter_tensors, make_context
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.doorways.ace_step.options import PRECISIONS
from tunesmith.families.ace_step.family import ACE_STEP
from tunesmith.families.contract import GenerationRequest
from tunesmith.training import trainer as training
from tunesmith.training.loop import local_micro_batches, train_update
from tunesmith.training.setup import build_train_state
from tunesmith.training.trainer import InterruptedRunError, train

SECTIONS = {
    "data": {"max_seconds": 0.9, "min_crop_seconds": 0.6},
    "adapter": {"rank": 4, "alpha": 4},
    "gates": OFF,
}
TRAIN = {"updates": 6, "batch_size": 2, "accumulation": 2, "learning_rate": 2e-3, "valid_every": 3, "save_every": 3}


@pytest.fixture(scope="module")
def songs(tmp_path_factory) -> list[Sample]:
    folder, samples = tmp_path_factory.mktemp("songs"), []
    rng = np.random.default_rng(0)
    for i in range(6):
        seconds = 0.7 + 0.15 * i
        audio = 0.2 * rng.standard_normal((int(48000 * seconds), 2))
        sf.write(folder / f"{i}.wav", audio, 48000)
        ref = AudioRef(str(folder / f"{i}.wav"), duration=seconds)
        split = "valid" if i < 2 else "train"
        samples.append(Sample(f"{i}.wav", {"audio": ref}, {"caption": "pop, rap"}, source=str(i), split=split))
    return samples


@pytest.fixture
def make(songs, tmp_path):
    checkpoint = golden_path("ace_step/tiny_checkpoint")

    def make(name: str, dropout: float = 0.0, **train):
        sections = {**SECTIONS, "adapter": {**SECTIONS["adapter"], "dropout": dropout}, "train": {**TRAIN, **train}}
        return make_context(checkpoint, songs, tmp_path, name, **sections)

    return make


def test_an_interrupted_run_ends_bit_for_bit_like_an_uninterrupted_one(make, monkeypatch):
    whole, broken = make("whole", dropout=0.1), make("broken", dropout=0.1)
    train(whole)
    original = training.train_update

    def interrupt_at_4(state, *, stop=False):
        return original(state, stop=stop or state.progress.update == 3)

    monkeypatch.setattr(training, "train_update", interrupt_at_4)
    with pytest.raises(InterruptedRunError):
        train(broken)
    assert (broken.folder.checkpoints / "step-000004").exists()
    monkeypatch.setattr(training, "train_update", original)
    train(broken)
    a, b = adapter_tensors(whole), adapter_tensors(broken)
    assert all(np.array_equal(a[k], b[k]) for k in a)
    assert any(np.abs(a[k]).max() > 0 for k in a if "lora_B" in k)


def test_accumulation_1x4_follows_4x1(make):
    runs = [make("many", batch_size=4, accumulation=1), make("one", batch_size=1, accumulation=4)]
    for run in runs:
        train(run)
    a, b = (adapter_tensors(run) for run in runs)
    # AdamW divides by the gradient's size, so that rounding shows where a gradient is next to nothing.
    assert all(np.allclose(a[k], b[k], atol=5e-4) for k in a)


def test_the_cache_and_the_generator_read_a_prompt_the_same_way(songs):
    family = ACE_STEP.open(str(golden_path("ace_step/tiny_checkpoint")))
    sample = songs[0]
    with family.encoding.encoder() as encoder:
        cached = encoder.encode(sample, [spec.name for spec in family.encoding.fields()])
    request = GenerationRequest(sample.texts, 0.5, seed=1, options={"steps": 1, "guidance": 1.0})
    (made,) = family.generation.generator().generate([request])
    length = made.encoded["text_parts"][0, 0]
    assert length == cached["text_parts"][0, 0]
    assert np.allclose(cached["text"][:length], made.encoded["text"], atol=2e-3)
    assert np.array_equal(cached["lyrics"], made.encoded["lyrics"])
    assert made.audio.shape == (2, 24000) and made.sample_rate == 48000
    assert {spec.name for spec in family.encoding.fields()} == set(made.encoded)


def test_projection_losses_and_their_heads_are_there_only_when_asked(songs):
    path = str(golden_path("ace_step/tiny_checkpoint"))
    plain = ACE_STEP.open(path)
    asked = ACE_STEP.open(path, ACE_STEP.settings(ssl="on"))
    assert plain.networks.load(meta=True)["transformer"].projectors is None
    assert asked.networks.load(meta=True)["transformer"].projectors is not None
    assert [spec.name for spec in asked.encoding.fields()][-2:] == list(asked.checkpoint.config.transformer.ssl_names)


def test_checkpointing_gives_the_same_gradients(make):
    gradients = []
    for recompute in (False, True):
        state = build_train_state(make(f"c{recompute}", gradient_checkpointing=recompute))
        (batch, rngs, *_), *_ = local_micro_batches(state, 0)
        torch.manual_seed(0)
        terms = state.family.objective.loss(state.networks, batch, rngs)
        (terms["denoise"].sum / terms["denoise"].denominator).backward()
        gradients.append({k: p.grad.clone() for k, p in state.parameters.items() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys() and len(gradients[0]) > 0
    assert all(torch.allclose(gradients[0][k], gradients[1][k], atol=1e-7) for k in gradients[0])


def test_projection_losses_without_heads_are_said() -> None:
    def warned(path: str, ssl: str) -> bool:
        family = ACE_STEP.open(path, ACE_STEP.settings(ssl=ssl))
        return any("this model has no heads for them" in str(said) for said in family.adapters.warnings((), "lora"))

    assert warned("pocket/ace_step", "on")
    assert not warned("pocket/ace_step", "off")
    assert not warned(str(golden_path("ace_step/tiny_checkpoint")), "on")


def test_half_precision_reaches_the_loop(songs, tmp_path):
    """The precision of ``trainer.py --precision bf16-mixed`` decides what is computed in, on a CPU too."""
    checkpoint = golden_path("ace_step/tiny_checkpoint")
    model = {"path": str(checkpoint), "device": "cpu", "precision": PRECISIONS["bf16-mixed"]}
    state = build_train_state(make_context(checkpoint, songs, tmp_path, model=model, train=TRAIN, **SECTIONS))
    seen = []
    for module in state.networks["transformer"].modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    trained = list(state.parameters.values())
    before = [parameter.detach().clone() for parameter in trained]
    result = train_update(state)
    assert result.stepped and np.isfinite(result.measured.loss)
    assert {p.dtype for p in state.networks["transformer"].parameters()} == {torch.float32, torch.bfloat16}
    assert {p.dtype for p in trained} == {torch.float32}
    assert torch.bfloat16 in seen
    assert any(not torch.equal(old, new) for old, new in zip(before, trained, strict=True))
