from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tools.pocket.ace_step import codec, measure
from tools.pocket.ace_step.build import build
from tunesmith.families.ace_step.config import DCAE, TEXT, TRANSFORMER, read_config
from tunesmith.families.ace_step.parts.codec import MusicCodec
from tunesmith.families.ace_step.parts.text_encoder import TextEncoder
from tunesmith.families.ace_step.parts.transformer import AceStepTransformer
from tunesmith.families.component import DIFFUSERS_WEIGHTS, read_tensors
from tunesmith.files import read_json


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pocket") / "ace"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "ROWS", 2)
        patch.setattr(codec, "CROP", 64)
        patch.setattr(measure, "CLIPS", 1)
        patch.setattr(measure, "FRAMES", 24)
        patch.setattr(measure, "REFERENCES", 2)
        patch.setattr(measure, "BASE_STYLES", ("dub",))
        numbers = build(out, updates=(1, 1), clips_per_style=1, quiet=True)
    assert numbers == read_json(out / "numbers.json")
    return out


def test_a_build_is_a_checkpoint_that_the_family_s_own_classes_read(built: Path) -> None:
    config = read_config(built)
    assert (config.squeeze, config.hop, config.latent_channels, config.latent_height) == (8, 4096, 8, 16)
    text = TextEncoder(built, config, "cpu")
    states = torch.from_numpy(text.states(["dub groove"])[0])[None]
    assert states.shape == (1, 3, config.transformer.text_embedding_dim)
    network = AceStepTransformer(config.transformer)
    network.load_state_dict(read_tensors(built / TRANSFORMER / DIFFUSERS_WEIGHTS))
    player = MusicCodec(built, config, "cpu")
    latents = player.encode(torch.randn(2, 48_000) * 0.1)
    assert latents.shape == (8, 16, 11)
    assert player.decode(latents[None], overlapped=False, seconds=[1.0])[0].shape == (2, 48_000)
    with torch.no_grad():
        ids, none = torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, 1)
        speaker = torch.zeros(1, config.transformer.speaker_embedding_dim)
        conditions = network.encode(states, torch.ones(1, 3), speaker, ids, none)
        velocity = network.decode(latents[None], torch.tensor([500.0]), conditions)
    assert isinstance(velocity, torch.Tensor)
    assert velocity.shape == (1, 8, 16, 11)


def test_a_build_is_small_and_complete_and_leaves_nothing_else(built: Path) -> None:
    files = [path for path in built.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 8e6
    assert [path.name for path in built.parent.iterdir()] == [built.name]
    assert {"NUMBERS.md", "numbers.json", "base_prompts.json", "lyric_vocab.json"} <= {path.name for path in files}
    for folder, name in ((TRANSFORMER, DIFFUSERS_WEIGHTS), (DCAE, DIFFUSERS_WEIGHTS), (TEXT, "model.safetensors")):
        assert (built / folder / name).is_file()
    page = (built / "NUMBERS.md").read_text(encoding="utf-8")
    assert "cannot sing" in page
    assert "| dub |" in page
