from __future__ import annotations

from pathlib import Path

import pytest

from tools.pocket.musicgen.build import build
from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE


@pytest.mark.slow
def test_it_can_be_built_from_nothing(tmp_path: Path) -> None:
    numbers = build(tmp_path / "musicgen", updates=2, clips_per_style=1, quiet=True)
    assert numbers["updates"] == 2
    assert set(numbers["styles"]) == {*BASE_STYLES, EXAMPLE_STYLE}
    assert "uniform guess" in (tmp_path / "musicgen" / "NUMBERS.md").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["musicgen"]
