"""From a reference to an array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tunesmith.data.load import load
from tunesmith.data.sample import AudioRef
from tunesmith.errors import TunesmithError


def test_the_rate_of_the_file_itself_counts(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8_000)
    ref = AudioRef(str(tmp_path / "a.wav"))
    assert load(ref, 24_000, 1).shape == load(ref, 24_000, 1, lowest_rate=8_000).shape == (1, 2_400)
    with pytest.raises(TunesmithError, match=r"a.wav: this recording has 8000 Hz, and at least 16000 are needed"):
        load(ref, 24_000, 1, lowest_rate=16_000)
