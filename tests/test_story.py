"""The story's cells: what they damage is damaged, wrong objectives are wrong, and the table tells right from wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.story import overrides, table
from benchmarks.story_cells.afterwards import AFTERWARDS
from benchmarks.story_cells.cells import FAMILIES, cells
from benchmarks.story_cells.clips import DAMAGE, lay_out
from benchmarks.story_cells.wrong_objective import WRONG
from tunesmith.evaluation.causes.find import CAUSES

ALL = [cell for family in FAMILIES for cell in cells(family)]
NAMES = {"zero", "other_base", "other_strength", "silent_clips", "padding", "objective", "rate", "by_heart", "captions"}


def test_every_family_is_told_well_five_times_and_badly_in_nine_ways():
    for family in FAMILIES:
        told = list(cells(family))
        assert sum(not cell.expected for cell in told) == 5 and sum(bool(cell.expected) for cell in told) == 9
        assert len({cell.key for cell in told}) == len(told)
        assert told[0].name == "good_1", "the cells of afterwards begin with it"
    for cell in ALL:
        assert cell.damage in DAMAGE and (cell.afterwards or "scale_0") in AFTERWARDS
        assert not cell.objective or cell.objective in WRONG
        assert not cell.expected or cell.expected in NAMES
        assert len({key.split("=")[0] for key in overrides(cell)}) == len(overrides(cell))
    assert len(CAUSES) == 10


@pytest.mark.parametrize("family", ["musicgen", "step_audio"])
def test_damaged_clips_are_damaged(family, tmp_path):
    rows = {}
    for damage in ("", "shuffled", "half_silent", "six"):
        lay_out(family, damage, tmp_path / f"x{damage}")
        rows[damage] = json.loads((tmp_path / f"x{damage}" / "metadata.json").read_text())
    assert len(rows["six"]) == len(list((tmp_path / "xsix" / "train").iterdir())) == 6
    whole = {row["audio"]: row["text"] for row in rows[""]}
    assert all(whole[row["audio"]] != row["text"] for row in rows["shuffled"])
    assert sorted({row["text"] for row in rows["shuffled"]}) == sorted(set(whole.values()))
    audio, _ = soundfile.read(tmp_path / "xhalf_silent" / rows["half_silent"][0]["audio"], always_2d=True)
    assert 0.3 < np.mean(np.abs(audio).max(axis=1) == 0) < 0.6


def test_the_table_counts_what_was_named_first():
    good, bad = ALL[0], next(cell for cell in ALL if cell.expected == "rate")
    results = {good.key: {"causes": []}, bad.key: {"causes": ["rate", "by_heart"]}}
    assert "2 of 2 right" in table(results, [good, bad])
    results[good.key] = {"causes": ["rate"]}
    said = table(results, [good, bad])
    assert "1 of 2 right" in said and any(good.key in line for line in said)


def test_a_wrong_objective_runs_the_command_line():
    script = Path(__file__).parent.parent / "benchmarks" / "story_cells" / "wrong_objective.py"
    for name in ("no_delay", "wrong_shift", "token_offset"):
        ended = subprocess.run([sys.executable, script, name, "--version"], check=False, capture_output=True, text=True)
        assert ended.returncode == 0 and "tunesmith" in ended.stdout, ended.stderr
