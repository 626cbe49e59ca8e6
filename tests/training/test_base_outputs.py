"""What the base model makes of its own prompts is made once for all runs, and nothing goes wrong without it."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tests.training.test_trainer import BASE
from tunesmith.families.musicgen.generate import MusicGenGenerator
from tunesmith.run import base_cache
from tunesmith.training.base_outputs import base_style_path, stored_base_style
from tunesmith.training.trainer import train

ASKED = {"train": {**BASE, "updates": 1}, "evaluate": {"forgetting_prompts": 2}}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder that all runs of a user share."""
    monkeypatch.setenv(base_cache.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def made(monkeypatch) -> list[int]:
    """How much was generated, call by call."""
    made, generate = [], MusicGenGenerator.generate

    def counted(self, requests, progress=None):
        made.append(len(requests))
        return generate(self, requests, progress)

    monkeypatch.setattr(MusicGenGenerator, "generate", counted)
    return made


def outputs(context) -> list[dict[str, np.ndarray]]:
    return stored_base_style(context)


def test_another_run_of_the_same_base_takes_what_is_there(make_run, kept, made):
    first, second = make_run("first", **ASKED), make_run("second", **ASKED)
    train(first)
    assert made == [2] and len(list(kept.iterdir())) == 1
    train(second)
    assert made == [2]
    assert len(outputs(first)) == 2
    for one, other in zip(outputs(first), outputs(second), strict=True):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_other_prompts_are_made(make_run, kept, made):
    train(make_run("first", **ASKED))
    train(make_run("second", **ASKED, generate={"seed": 5}))
    assert made == [2, 2] and len(list(kept.iterdir())) == 2


def test_a_damaged_file_is_made_again(make_run, kept, made):
    train(make_run("first", **ASKED))
    (file,) = kept.iterdir()
    whole = file.stat().st_size
    file.write_bytes(b"nothing of the kind")
    second = make_run("second", **ASKED)
    train(second)
    assert made == [2, 2] and len(outputs(second)) == 2
    assert file.stat().st_size == whole


def test_a_run_keeps_its_own(make_run, kept, made):
    context = make_run("first", **ASKED)
    train(context)
    (file,) = kept.iterdir()
    file.unlink()
    assert base_style_path(context).exists() and len(outputs(context)) == 2


def test_without_a_place_for_it_training_goes_on(make_run, tmp_path, monkeypatch, made):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(base_cache.VARIABLE, str(tmp_path / "file" / "below"))
    train(make_run("first", **ASKED))
    monkeypatch.setenv(base_cache.VARIABLE, "off")
    train(make_run("second", **ASKED))
    assert made == [2, 2]


def test_the_files_used_last_stay(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(base_cache, "MOST_FILES", 3)
    source = tmp_path / "made"
    source.write_bytes(bytes(100))
    for number in range(3):
        base_cache.give(f"key{number}", source)
        os.utime(kept / f"key{number}.npz", (number, number))
    assert base_cache.take("key0", tmp_path / "taken") and (tmp_path / "taken").read_bytes() == bytes(100)
    base_cache.give("key3", source)
    assert {path.stem for path in kept.iterdir()} == {"key0", "key2", "key3"}
    monkeypatch.setattr(base_cache, "MOST_BYTES", 150)
    base_cache.give("key4", source)
    assert {path.stem for path in kept.iterdir()} == {"key4"}
    assert not base_cache.take("key1", tmp_path / "other")
