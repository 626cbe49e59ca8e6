"""MERT's and mHuBERT's ways through a song against upstream's, on one tiny HuBERT."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.families.ace_step.test_golden_codec import every_nth
from tests.golden_files import UNIT, assert_close, golden_tensors, part
from tunesmith.families.ace_step.parts.ssl import (
    MERT,
    MHUBERT,
    SslInput,
    SslModels,
    load_hubert,
    ssl_chunks,
    ssl_features,
)
from tunesmith.files import write_json


@pytest.fixture(scope="module")
def golden() -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    return golden_tensors("ace_step/ssl")


@pytest.fixture(scope="module")
def clips(golden) -> list[torch.Tensor]:
    """The clips, made anew from the recipe in the file, each without the zeros behind its end."""
    tensors, settings = golden
    lengths = tensors["in.lengths"].tolist()
    scale, seed = re.match(r"([\d.]+)\*randn\(Generator\((\d+)\)", settings["wav"]).groups()
    noise = torch.randn(len(lengths), 2, max(lengths), generator=torch.Generator().manual_seed(int(seed)))
    made = [clip[:, :length] for clip, length in zip(float(scale) * noise, lengths, strict=True)]
    # Normal numbers are r cos(angle): r is below 6, as uniform numbers have 24 bits, and the angle below 2 pi. It
    # carries two roundings (pi, its product); r and the cosine have a unit in the last place each, two roundings each.
    # Two CPUs may err by that to either side.
    rounding = 2 * float(scale) * 6 * (2 * 2 * math.pi + 4) * UNIT
    thinned, step = every_nth(tensors, "in.seed_wav_every")
    for clip, theirs in zip(made, thinned, strict=True):
        ours = clip[:, ::step]
        assert_close("the recipe's clip", ours, theirs[:, : ours.shape[1]], rounding)
    return made


@pytest.fixture(scope="module")
def folder(golden, tmp_path_factory):
    tensors, settings = golden
    folder = tmp_path_factory.mktemp("hubert")
    save_file({name: tensor.contiguous() for name, tensor in part(tensors, "sd").items()}, folder / "model.safetensors")
    write_json(folder / "config.json", settings["hubert_config"])
    return folder


EXTRACTORS = pytest.mark.parametrize(("name", "ssl_input"), [("mert", MERT), ("mhubert", MHUBERT)])


@EXTRACTORS
def test_golden_chunks(golden, clips, name: str, ssl_input: SslInput):
    tensors, settings = golden
    chunks = torch.cat([ssl_chunks(clip, ssl_input)[0] for clip in clips])
    assert list(chunks.shape) == settings[f"{name}_chunks"]
    thinned, step = every_nth(tensors, f"out.{name}_input_every")
    assert_close(name, chunks[:, ::step], thinned, 1e-4)


@EXTRACTORS
def test_golden_features(golden, clips, folder, name: str, ssl_input: SslInput):
    tensors, settings = golden
    model = load_hubert(folder)
    for index, clip in enumerate(clips):
        features = ssl_features(model, clip, ssl_input)
        assert len(features) == settings[f"{name}_frames"][index]
        assert_close(f"{name} {index}", features, tensors[f"out.{name}.{index}"])


def test_golden_both_models(golden, clips, folder):
    tensors, _ = golden
    models = SslModels((str(folder), str(folder)), "cpu")
    mert, mhubert = models.features(clips[-1].numpy())
    assert_close("mert", torch.from_numpy(mert), tensors[f"out.mert.{len(clips) - 1}"])
    assert_close("mhubert", torch.from_numpy(mhubert), tensors[f"out.mhubert.{len(clips) - 1}"])
