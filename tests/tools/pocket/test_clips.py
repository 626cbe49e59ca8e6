from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tools.pocket import clips
from tools.pocket.clips import shipped_cuts, write_shipped_clips
from tunesmith.pocket.shipped import example_clips


def test_the_shipped_clips_are_the_cuts() -> None:
    listed = json.loads((example_clips() / "metadata.json").read_text(encoding="utf-8"))
    assert [row["audio"] for row in listed] == [f"train/{cut.name}.ogg" for cut in shipped_cuts()]


def test_the_shipped_clips_come_from_many_tracks_and_vary_in_length() -> None:
    cuts = shipped_cuts()
    assert len({cut.track_seed for cut in cuts}) >= 12
    assert len({cut.length for cut in cuts}) > 20
    assert all(6 <= cut.length <= 12 for cut in cuts)
    assert {cut.stereo for cut in cuts} == {True, False}


def test_what_is_written_is_what_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shipped_cuts()[0]
    monkeypatch.setattr(clips, "shipped_cuts", lambda: [first])
    (path,) = write_shipped_clips(tmp_path)
    (row,) = json.loads((tmp_path / "metadata.json").read_text(encoding="utf-8"))
    assert row in json.loads((example_clips() / "metadata.json").read_text(encoding="utf-8"))
    made, rate = soundfile.read(path)
    shipped, shipped_rate = soundfile.read(example_clips() / row["audio"])
    assert (rate, made.shape) == (shipped_rate, shipped.shape)
    assert np.corrcoef(made.ravel(), shipped.ravel())[0, 1] > 0.999
