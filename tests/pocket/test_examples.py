from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tools.pocket import sound
from tunesmith.errors import TunesmithError
from tunesmith.pocket.examples import make_examples, plant_bad_clips


def rows(folder: Path) -> list[dict[str, str]]:
    return json.loads((folder / "metadata.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make_examples(folder, 2, seed=5)
    return folder


def test_made_examples_are_audible_captioned_and_repeatable(made: Path, tmp_path: Path) -> None:
    again = make_examples(tmp_path, 2, seed=5)
    assert rows(made) == rows(tmp_path)
    for path in again:
        audio, rate = soundfile.read(path)
        assert np.array_equal(audio, soundfile.read(made / "train" / path.name)[0])
        assert rate == 32000
        assert audio.std() > 0.05


def test_other_seeds_make_other_clips(made: Path, tmp_path: Path) -> None:
    make_examples(tmp_path, 1, seed=6)
    first, second = (soundfile.read(folder / "train" / "example-001.wav")[0] for folder in (made, tmp_path))
    assert len(first) != len(second) or not np.allclose(first, second, atol=0.05)


def test_asking_for_no_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TunesmithError, match="one or more"):
        make_examples(tmp_path, 0)


def test_planted_clips_are_bad_in_the_two_ways_promised(tmp_path: Path) -> None:
    make_examples(tmp_path, 2, seed=5)
    silent, copy = plant_bad_clips(tmp_path)
    audio, rate = soundfile.read(silent)
    assert sound.measure(audio, rate).silent_share > 0.9
    original = soundfile.read(tmp_path / rows(tmp_path)[0]["audio"])[0]
    assert np.abs(soundfile.read(copy)[0] - original).max() < 1e-3
    assert [row["audio"] for row in rows(tmp_path)[-2:]] == [f"train/{silent.name}", f"train/{copy.name}"]
    plant_bad_clips(tmp_path)
    assert len(rows(tmp_path)) == 4


def test_planting_into_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TunesmithError):
        plant_bad_clips(tmp_path)
