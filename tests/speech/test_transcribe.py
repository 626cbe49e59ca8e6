from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.speech.talk import RATE, talk
from tests.speech.tiny_whisper import save
from tunesmith.errors import TunesmithError
from tunesmith.speech.transcribe import Transcriber, transcriber


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("whisper") / "whisper-tiny")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache; any request to the hub would fail."""
    from huggingface_hub import constants, file_download

    for module in (constants, file_download):
        monkeypatch.setattr(module, "HF_HUB_CACHE", str(tmp_path), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def downloaded(cache: Path, name: str, folder: Path, *, leave_out: str = "") -> None:
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    for file in folder.iterdir():
        if file.name != leave_out:
            (snapshot / file.name).symlink_to(file)


def test_a_folder_transcribes_short_and_long(folder):
    found = transcriber(str(folder))
    assert found is not None
    assert found.name == "whisper-tiny"
    audio = talk("the rain came down, and the dog slept")
    heard = found.transcribe(audio, RATE)
    assert heard
    assert heard == found.transcribe(audio[0], RATE)
    assert found.transcribe(np.tile(audio, 12), RATE, "zh")  # over one window of 30 s


def test_nothing_is_downloaded(cache, folder):
    assert transcriber() is None
    with pytest.raises(TunesmithError, match="no Whisper weights here"):
        transcriber("openai/whisper-small")
    with pytest.raises(TunesmithError, match="hf download"):
        transcriber(str(cache / "absent"))


def test_the_most_exact_of_the_downloaded_is_taken(cache, folder):
    downloaded(cache, "openai/whisper-tiny", folder)
    downloaded(cache, "openai/whisper-medium", folder, leave_out="model.safetensors")
    downloaded(cache, "openai/whisper-small", folder)
    found = transcriber()
    assert found is not None
    assert found.name == "openai/whisper-small"
    assert found.transcribe(talk("hello there my friend"), RATE)
    with pytest.raises(TunesmithError, match="medium"):
        transcriber("openai/whisper-medium")


def test_broken_weights_are_named(folder, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(b"{}" if file.name == "model.safetensors" else file.read_bytes())
    with pytest.raises(TunesmithError, match="cannot be loaded"):
        Transcriber(broken, "broken").transcribe(talk("hello there"), RATE)
