"""Where a checkpoint lies, and what is said when something of it does not."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tools.pocket.step_audio.assemble import cosyvoice_yaml
from tunesmith.adapters.attach import attach
from tunesmith.adapters.parameters import trainable
from tunesmith.adapters.settings import AdapterRecipe
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio import source, voices
from tunesmith.families.step_audio.config import (
    FLOW,
    FLOW_FOLDER,
    LLM,
    REPOSITORY,
    TOKENIZER_REPOSITORY,
    FlowConfig,
    Step1Config,
)
from tunesmith.families.step_audio.family import STEP_AUDIO
from tunesmith.families.step_audio.small import SmallConfig


@pytest.fixture
def offline(monkeypatch):
    """No network, and nothing in the cache; returns what was asked for."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    asked = []

    def refuse(path, local_files_only=False, **_):
        asked.append((path, local_files_only))
        raise LocalEntryNotFoundError("not here") if local_files_only else ConnectionError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    return asked


def test_recognised_are_the_pocket_the_hub_id_and_folders_of_the_llm(tiny_folder, tmp_path):
    for path in ("pocket/step_audio", REPOSITORY, "someone/Step-Audio-EditX-finetuned", str(tiny_folder)):
        assert source.is_step_audio(path), path
    llama, broken = tmp_path / "llama", tmp_path / "broken"
    for folder, text in ((llama, '{"model_type": "llama"}'), (broken, "{"), (tmp_path / "list", "[1]")):
        folder.mkdir()
        (folder / "config.json").write_text(text)
    others = ("pocket", "facebook/musicgen-small", str(tmp_path), str(llama), str(broken), str(tmp_path / "list"), "/x")
    for path in (*others, "./Step-Audio-EditX", "a/b/Step-Audio-EditX"):
        assert not source.is_step_audio(path), path


@pytest.mark.parametrize("path", ["nowhere", "/nowhere/at/all", "./Step-Audio-EditX", "~/Step-Audio-EditX"])
def test_a_folder_that_is_not_there_is_said(path, offline):
    with pytest.raises(TunesmithError, match="no such model folder") as refused:
        source.locate(path)
    assert REPOSITORY in str(refused.value.remedy) and not offline


@pytest.mark.parametrize("name", source.NEEDED)
def test_a_missing_file_is_named_with_repository_size_and_licence(tiny_folder, tmp_path, name):
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder)
    (folder / name).unlink()
    with pytest.raises(TunesmithError, match=f"{name.split('/')[-1]} is missing") as refused:
        STEP_AUDIO.open(str(folder)).networks.load()
    remedy = str(refused.value.remedy)
    assert all(part in remedy for part in (name, REPOSITORY, "Apache-2.0", "7.8 GB")) and str(folder) in str(
        refused.value
    )


def test_missing_weights_of_the_llm_are_said(tiny_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.index.json"))
    with pytest.raises(TunesmithError, match="weights of the LLM are missing"):
        STEP_AUDIO.open(str(folder)).networks.load()


def test_the_flow_may_lie_elsewhere(tiny_folder, tmp_path):
    flow = tmp_path / "flow"
    shutil.copytree(tiny_folder / FLOW_FOLDER, flow)
    assert source.flow_folder(tmp_path, str(flow)) == flow
    with pytest.raises(TunesmithError, match=r"cosyvoice.yaml is missing"):
        source.flow_folder(tiny_folder, str(tmp_path / "nothing"))


def test_what_is_not_on_this_machine_and_cannot_be_downloaded(offline):
    with pytest.raises(TunesmithError, match="could not be downloaded") as refused:
        source.fetch(REPOSITORY)
    assert "Apache-2.0, about 7.8 GB" in str(refused.value.remedy) and "HF_ENDPOINT" in str(refused.value.remedy)
    assert offline == [(REPOSITORY, True), (REPOSITORY, False)]
    with pytest.raises(TunesmithError) as unknown:
        source.fetch("someone/Step-Audio-EditX-finetuned")
    assert "Apache" not in str(unknown.value.remedy)  # nobody told under which licence that is


def test_a_snapshot_of_configs_alone_is_not_taken_for_the_model(tmp_path, monkeypatch):
    import huggingface_hub

    asked = []

    def snapshot(path, local_files_only=False, **_):
        asked.append(local_files_only)
        if not local_files_only:
            model_at(tmp_path)
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert source.fetch(REPOSITORY) == source.fetch(REPOSITORY) == tmp_path
    assert asked == [True, False, True]


def files_at(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def tokenizer_at(folder):
    return files_at(folder, *source.TOKENIZER_FILES)


SHARDS = ("model-00001.safetensors", "model-00002.safetensors")


def model_at(folder):
    files_at(folder, *source.NEEDED, *source.FRONT_END_FILES, "tokenizer.model", *SHARDS)
    (folder / source.INDEX).write_text(json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1], "c": SHARDS[0]}}))
    return folder


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (model_at, (*source.NEEDED, *source.FRONT_END_FILES, "tokenizer.model", *SHARDS, source.INDEX)),
        (tokenizer_at, source.TOKENIZER_FILES),
    ],
)
def test_what_an_interrupted_download_left_is_not_taken_for_whole(tmp_path, monkeypatch, make, names):
    import huggingface_hub

    def snapshot(path, local_files_only=False, **_):
        if not local_files_only:
            raise ConnectionError("no network")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    make(tmp_path)
    for name in names:
        kept = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        with pytest.raises(TunesmithError, match=rf"not on this machine in whole \(absent: {name}\) and could not be"):
            source.fetch(REPOSITORY)
        (tmp_path / name).write_bytes(kept)
    assert source.fetch(REPOSITORY) == tmp_path


def test_a_copy_with_one_file_of_weights_or_small_front_ends_is_whole(tmp_path, tiny_folder):
    assert source.absent_files(tiny_folder) == []
    model = model_at(tmp_path)
    (model / source.INDEX).write_text("{}")
    assert source.absent_files(model) == []  # it came in whole; the loader says that it names nothing
    (model / source.INDEX).unlink()
    assert source.absent_files(model) == [source.INDEX]
    assert source.absent_files(files_at(model, "model.safetensors")) == []


@pytest.mark.parametrize("place", [".", source.TOKENIZER_NAME, f"../{source.TOKENIZER_NAME}"])
def test_the_tokenizer_is_found_inside_the_model_and_beside_it(tmp_path, place):
    model = tmp_path / "models" / "Step-Audio-EditX"
    expected = tokenizer_at((model / place).resolve())
    assert source.locate_tokenizer(model).resolve() == expected


def test_the_tokenizer_that_the_user_names_comes_first(tmp_path, offline):
    model, named = tmp_path / "model", tmp_path / "named"
    tokenizer_at(model)
    assert source.locate_tokenizer(model, str(tokenizer_at(named))) == named
    inside = tokenizer_at(tmp_path / "all" / source.TOKENIZER_NAME)
    assert source.locate_tokenizer(model, str(tmp_path / "all")) == inside
    (tmp_path / "empty").mkdir()
    with pytest.raises(TunesmithError, match=f"{source.CENTROIDS} is missing") as refused:
        source.locate_tokenizer(model, str(tmp_path / "empty"))
    assert all(part in str(refused.value.remedy) for part in (TOKENIZER_REPOSITORY, "Apache-2.0", "1.5 GB"))
    with pytest.raises(TunesmithError, match="no such tokenizer folder"):
        source.locate_tokenizer(model, str(tmp_path / "absent"))
    assert not offline


def test_without_a_tokenizer_near_by_the_hub_is_asked(tmp_path, offline):
    for given, asked in (("", TOKENIZER_REPOSITORY), ("someone/tokenizer", "someone/tokenizer")):
        with pytest.raises(TunesmithError, match=f"the files of {asked} are not on this machine"):
            source.locate_tokenizer(tmp_path / "model", given)
        assert offline[-1] == (asked, False)


def test_only_the_tokenisers_own_files_decide_their_codes(tmp_path):
    folder = tokenizer_at(tmp_path / "tokenizer")
    (folder / "README.md").write_text("about")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "download.json").write_text("{}")
    assert source.tokenizer_files(tmp_path, str(folder)) == [folder / name for name in source.TOKENIZER_FILES]


def test_a_checkpoint_is_here_when_it_is_a_folder_or_was_downloaded(tmp_path, monkeypatch):
    import huggingface_hub

    cached = {REPOSITORY: "/cache/file"}
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda path, file, revision=None: cached.get(path))
    assert source.is_here("pocket/step_audio", None, "x") and source.is_here(str(tmp_path), None, "x")
    assert source.is_here(REPOSITORY, None, "x") and not source.is_here("someone/other", None, "x")
    assert not source.is_here(str(tmp_path / "absent"), None, "x")


def test_the_speaker_encoder_is_the_checkpoints_own_where_it_is_there(tiny_family, tmp_path, monkeypatch):
    from tunesmith.families.step_audio.parts import campplus

    assert tiny_family.checks.speech_tools().voice is None  # small front ends know too few voices to judge by
    flow = tmp_path / "flow"
    flow.mkdir()
    monkeypatch.setattr(voices, "find_spec", lambda name: object())
    assert voices.speaker_tool(tmp_path, flow, 7) is None
    (flow / "campplus.onnx").touch()
    made, heard = [], []

    def model(file, width):
        made.append((file, width))
        return SimpleNamespace(vector=lambda wave: heard.append(len(wave)) or np.ones(width))

    monkeypatch.setattr(campplus, "CamPlus", model)
    voices.speaker_tool.cache_clear()
    vector, name = voices.speaker_tool(tmp_path, flow, 7)
    assert (name, made) == ("CAM++", [])  # a command that hears nothing loads nothing
    assert vector(np.zeros(48_000, np.float32), 48_000).shape == (7,) and heard == [16_000]
    assert vector(np.zeros(480, np.float32), 48_000).shape == (7,)
    assert made == [(flow / "campplus.onnx", 7)]
    voices.speaker_tool.cache_clear()


def test_the_published_sizes_on_the_meta_device(tiny_folder, tmp_path):
    config = {"model_type": "step1", **{k: v for k, v in vars(Step1Config()).items() if isinstance(v, int | float)}}
    (tmp_path / FLOW_FOLDER).mkdir()
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / FLOW_FOLDER / "flow.pt").touch()
    (tmp_path / FLOW_FOLDER / "cosyvoice.yaml").write_text(
        cosyvoice_yaml(FlowConfig(), SmallConfig()), encoding="utf-8"
    )
    family = STEP_AUDIO.open(str(tmp_path))
    networks = family.networks.load(meta=True)
    assert {p.device.type for network in networks.values() for p in network.parameters()} == {"meta"}
    assert len(networks[LLM].state_dict()) == 291 and len(networks[FLOW].state_dict()) == 605
    assert sum(p.numel() for p in networks[FLOW].parameters()) == 153_754_096
    assert not any(p.requires_grad for network in networks.values() for p in network.parameters())
    with torch.device("meta"):
        recipe = AdapterRecipe(rank=8, alpha=32)
        llm = attach(networks, recipe, {LLM: family.adapters.defaults()[LLM]}, seed=0)
    assert sum(p.numel() for p in trainable({LLM: llm[LLM]}).values()) == 3_276_800
