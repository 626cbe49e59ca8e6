"""Loading of the two extractors: old and new weight names, no code from pickles, models that are no plain HuBERT."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from tests.golden_files import golden_tensors, part
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.parts.ssl import MERT, load_hubert, locate_ssl, ssl_chunks, ssl_features

OLD = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}


@pytest.fixture(scope="module")
def source():
    tensors, settings = golden_tensors("ace_step/ssl")
    return part(tensors, "sd"), settings["hubert_config"]


def old_names(tensors):
    for new, old in OLD.items():
        tensors = {name.replace(new, old): tensor for name, tensor in tensors.items()}
    return tensors


def test_old_names_a_pickle_and_an_unused_mask_vector_load_alike(source, tmp_path):
    tensors, config = source
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({**config, "model_type": "mert_model", "attention_relax": 32.0}))
    save_file(tensors, first / "model.safetensors")
    torch.save(
        {**old_names(tensors), "masked_spec_embed": torch.zeros(config["hidden_size"])}, second / "pytorch_model.bin"
    )
    ours, theirs = load_hubert(first).state_dict(), load_hubert(second).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("setting", ["feature_extractor_cqt", "deepnorm"])
def test_more_than_a_hubert_is_refused(source, tmp_path, setting):
    tensors, config = source
    (tmp_path / "config.json").write_text(json.dumps({**config, setting: True}))
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(TunesmithError, match=setting):
        load_hubert(tmp_path)


def test_layers_that_a_hubert_lacks_are_named(source, tmp_path):
    tensors, config = source
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file({**tensors, "cqt.kernel": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(TunesmithError, match=r"1 unknown .cqt\.kernel"):
        load_hubert(tmp_path)


def test_a_pickle_with_code_is_not_run(source, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(source[1]))
    torch.save({"hook": print}, tmp_path / "pytorch_model.bin")
    with pytest.raises(TunesmithError, match="cannot be read"):
        load_hubert(tmp_path)


def test_an_extractor_that_is_nowhere_is_named(tmp_path):
    assert locate_ssl(str(tmp_path)) == tmp_path
    with pytest.raises(TunesmithError, match="nobody/nothing-here"):
        locate_ssl("nobody/nothing-here")


def test_loudness_changes_nothing_and_a_whole_chunk_gives_what_the_model_has(source, tmp_path):
    tensors, config = source
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(tensors, tmp_path / "model.safetensors")
    model = load_hubert(tmp_path)
    audio = torch.randn(2, 48_000 * 6, generator=torch.Generator().manual_seed(0))
    features = ssl_features(model, 0.1 * audio, MERT)
    assert features.shape == (374 + 75, config["hidden_size"])  # 5 s, one frame short, and 1 s
    torch.testing.assert_close(ssl_features(model, 0.5 * audio, MERT), features, atol=1e-4, rtol=0)
    chunks, lengths = ssl_chunks(audio, MERT)
    assert lengths == [120_000, 24_000]
    assert chunks[1, 24_000:].abs().max() == 0
