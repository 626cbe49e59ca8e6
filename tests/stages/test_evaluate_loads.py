"""An evaluation reads every part of a model once, whatever it generates, encodes and measures; so does a whole run."""

from __future__ import annotations

from collections import Counter

import pytest
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file

from tests.stages.test_pipeline import clips_folder, context_over
from tests.training.test_trainer import BASE
from tunesmith.adapters.scale import set_scale
from tunesmith.families.musicgen import weights
from tunesmith.run.adapted import load_adapted
from tunesmith.run.loaded_once import loaded_once
from tunesmith.stages.evaluate import evaluate
from tunesmith.stages.pipeline import run_stages
from tunesmith.training import trainer
from tunesmith.training.trainer import train

__all__ = ["clips_folder"]


@pytest.fixture
def read(monkeypatch) -> Counter:
    """How often each part of a model was read from its file."""
    read, fill = Counter(), weights.fill

    def counted(module, folder, prefixes, tied=()):
        read[next(iter(prefixes))] += 1
        fill(module, folder, prefixes, tied)

    monkeypatch.setattr(weights, "fill", counted)
    return read


def test_every_part_of_a_model_is_read_once(make_run, read):
    context = make_run(
        train={**BASE, "updates": 2},
        evaluate={"count": 3, "seconds": 1.0, "forgetting_prompts": 0},
        generate={"batch_size": 1},
    )
    train(context)
    read.clear()
    evaluate(context)
    assert read == {"decoder.": 1, "text_encoder.": 1, "audio_encoder.": 1}


def test_a_whole_run_reads_the_frozen_parts_once(tiny, clips_folder, tmp_path, read):
    context = context_over(tiny, clips_folder, tmp_path)
    run_stages(context)
    # Once to train, with an adapter that changes, and once with the one that was kept.
    assert read == {"decoder.": 2, "text_encoder.": 1, "audio_encoder.": 1}
    assert context.family.encoding.present is None and context.family.networks.adapted is None


def test_training_without_previews_has_the_memory_to_itself(tiny, clips_folder, tmp_path, monkeypatch):
    context = context_over(tiny, clips_folder, tmp_path, previews={"every": 0})
    there, update = [], trainer.train_update

    def watched(state, **named):
        there.append(context.family.encoding.present)
        return update(state, **named)

    monkeypatch.setattr(trainer, "train_update", watched)
    run_stages(context, ["encode", "train"])
    assert there and not any(there)


def test_another_adapter_takes_the_place_of_the_one_before(make_run):
    context = make_run(train={**BASE, "updates": 2})
    train(context)
    best, final = context.folder.best, context.folder.final
    with loaded_once(context) as before:
        before("generate")
        first = load_adapted(context.family, best)
        set_scale(first, 0.5)
        again = load_adapted(context.family, best)
        assert again is first
        assert {m.scaling["default"] for m in first["decoder"].modules() if isinstance(m, LoraLayer)} == {1.0}
        weights_of = next(final.glob("*.safetensors"))
        tensors = load_file(weights_of)
        save_file({name: tensor + 1 for name, tensor in tensors.items()}, weights_of)
        other = load_adapted(context.family, final)
        assert other is not first and len(context.family.networks.adapted) == 1
