from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tools.pocket import sound
from tunesmith.errors import TunesmithError
from tunesmith.pocket.examples import example_clips, make_examples, plant_bad_clips, pocket_path, shipped_cuts


def rows(folder: Path) -> list[dict[str, str]]:
    return json.loads((folder / "metadata.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make_examples(folder, 2, seed=5)
    return folder


def test_the_shipped_clips_are_those_that_are_listed() -> None:
    folder = example_clips()
    listed = {row["audio"] for row in rows(folder)}
    assert listed == {f"train/{path.name}" for path in (folder / "train").iterdir()}
    assert listed == {f"train/{cut.name}.ogg" for cut in shipped_cuts()}
    assert len(listed) >= 24
    assert sum(path.stat().st_size for path in (folder / "train").iterdir()) < 6e6


def test_the_shipped_clips_come_from_many_tracks_and_vary_in_length() -> None:
    cuts = shipped_cuts()
    assert len({cut.track_seed for cut in cuts}) >= 12
    assert len({cut.length for cut in cuts}) > 20
    assert all(6 <= cut.length <= 12 for cut in cuts)
    assert {cut.stereo for cut in cuts} == {True, False}


def test_a_shipped_clip_sounds_like_808() -> None:
    folder = example_clips()
    row = rows(folder)[0]
    audio, rate = soundfile.read(folder / row["audio"])
    measured = sound.measure(audio if audio.ndim == 1 else audio.mean(axis=1), rate)
    assert measured.sub_share > 0.5
    assert measured.silent_share < 0.05
    assert "808" in row["text"]


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


def test_an_unknown_checkpoint_names_the_command_that_builds_it() -> None:
    with pytest.raises(TunesmithError, match="tunesmith pocket build nothing"):
        pocket_path("nothing")
