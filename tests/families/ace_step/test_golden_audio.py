"""Resampling and the shape of a clip against torchaudio and upstream's ``get_audio``.

Of ``get_audio``, the doubling of mono and the rate are compared. Left out, because Tunesmith does otherwise:
zero-padding to three seconds (a short clip is trained at its length), the first two of six channels (more than two are
mixed down, as for every family), clipping to ±1 (samples beyond are compared nowhere), and the refusal of silent clips
(a check of the data says so).
"""

from __future__ import annotations

import re

import torch
from torch.nn import functional as F

from tests.audio.exact import exact_resample
from tests.golden_files import assert_rounded, golden_tensors
from tunesmith.audio.resample import to_channels
from tunesmith.audio.sinc import sinc_resample


def test_golden_resampling():
    tensors, _ = golden_tensors("ace_step/audio")
    pairs = [key for key in tensors if key.startswith("out.resample_")]
    assert pairs
    for key in pairs:
        from_rate, to_rate = (int(rate) for rate in key.removeprefix("out.resample_").split("_"))
        exact, allowed = exact_resample(tensors["in.x"], from_rate, to_rate)
        assert_rounded(key, sinc_resample(tensors["in.x"], from_rate, to_rate), tensors[key], exact, allowed)


def test_golden_mono_is_doubled_and_resampled():
    tensors, settings = golden_tensors("ace_step/audio")
    kept = int(re.search(r"out\.mono keeps every (\d+)", settings["note"]).group(1))
    stereo = torch.from_numpy(to_channels(tensors["in.mono"].numpy(), 2))
    ours = sinc_resample(stereo, 44_100, 48_000)
    padding = int(tensors["out.mono_len"][-1]) - ours.shape[-1]
    assert padding >= 0
    theirs = tensors["out.mono"]
    unclipped = theirs.abs() < 1
    assert unclipped[0].sum() > ours.shape[-1] / kept / 2
    ours, exact, allowed = (
        F.pad(wave, (0, padding))[:, ::kept][unclipped] for wave in (ours, *exact_resample(stereo, 44_100, 48_000))
    )
    assert_rounded("mono", ours, theirs[unclipped], exact, allowed)
