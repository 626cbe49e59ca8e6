from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from tools.pocket.step_audio import flow_pretrain as painting
from tools.pocket.step_audio import language, sample
from tools.pocket.step_audio import word_check as judge
from tools.pocket.step_audio.build import build
from tools.pocket.step_audio.edits import EDITS
from tools.pocket.step_audio.espeak import PROGRAM
from tunesmith.families.step_audio.config import FLOW_FOLDER
from tunesmith.families.step_audio.parts.cosyvoice_yaml import COSYVOICE_FILE, read_cosyvoice
from tunesmith.families.step_audio.parts.flow_weights import FLOW_FILE, load_flow
from tunesmith.families.step_audio.parts.step1_weights import load_step1
from tunesmith.families.step_audio.small import read_small
from tunesmith.families.step_audio.small.codes import SmallCodes
from tunesmith.files import read_json

pytestmark = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="espeak-ng is not installed")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pocket") / "speech"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language, "ROWS", 2)
        patch.setattr(painting, "ROWS", 2)
        patch.setattr(judge, "CANDIDATES", 2)
        patch.setattr(sample, "LONGEST_SECONDS", 0.36)
        numbers = build(out, updates=(1, 1), sentences=24, held_out=4, quiet=True)
    assert numbers == read_json(out / "numbers.json")
    return out


def test_a_build_is_a_checkpoint_that_the_family_s_own_parts_read(built: Path) -> None:
    settings = read_cosyvoice(built / FLOW_FOLDER / COSYVOICE_FILE)
    flow = load_flow(built / FLOW_FOLDER / FLOW_FILE, settings.flow)
    model = load_step1(built, dtype=torch.float32)
    tensors, config = read_small(built)
    ids = read_json(built / "config.json")["tunesmith_small"]
    assert model.config.vocab_size == ids["audio_base"] + ids["vq02"] + ids["vq06"]
    assert flow.config.vocab_size == ids["vq02"] + 1 + ids["vq06"]
    vq02, vq06 = SmallCodes(tensors, config).codes(torch.randn(24_000).numpy())
    assert vq02.max() < ids["vq02"]
    assert vq06.max() < ids["vq06"]
    assert settings.mel == config.mel


def test_a_build_is_small_and_complete_and_leaves_nothing_else(built: Path) -> None:
    files = [path for path in built.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 8e6
    assert [path.name for path in built.parent.iterdir()] == [built.name]
    assert {"NUMBERS.md", "numbers.json", "base_prompts.json", "tokenizer.json"} <= {path.name for path in files}
    page = (built / "NUMBERS.md").read_text(encoding="utf-8")
    assert "cannot say" in page
    for edit in EDITS:
        assert f"| {' '.join(filter(None, (edit.kind, edit.info)))} | made |" in page
