"""An evaluation reads every part of a model once, whatever it generates, encodes and measures."""

from __future__ import annotations

from collections import Counter

from tests.training.test_trainer import BASE
from tunesmith.families.musicgen import weights
from tunesmith.stages.evaluate import evaluate
from tunesmith.training.trainer import train


def test_every_part_of_a_model_is_read_once(make_run, monkeypatch):
    context = make_run(
        train={**BASE, "updates": 2},
        evaluate={"count": 3, "seconds": 1.0, "forgetting_prompts": 0},
        generate={"batch_size": 1},
    )
    train(context)
    read, fill = Counter(), weights.fill

    def counted(module, folder, prefixes, tied=()):
        read[next(iter(prefixes))] += 1
        fill(module, folder, prefixes, tied)

    monkeypatch.setattr(weights, "fill", counted)
    evaluate(context)
    assert read == {"decoder.": 1, "text_encoder.": 1, "audio_encoder.": 1}
