"""The files of the guide's tree can be imported and do what their names say, over the pocket model."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

from tests.e2e.step_audio import SCRIPTS, config, working_folder
from tunesmith.doorways.step_audio.guide_models import load_and_validate_config, prepare_models_for_training
from tunesmith.doorways.step_audio.pairs_dataset import AudioEditDataset, build_dataloader, load_audio
from tunesmith.errors import TunesmithError

__all__ = ["working_folder"]
TREE = {
    "train/dataset/audio_edit_dataset.py": {"AudioEditDataset", "build_dataloader"},
    "train/trainer/model_adapter.py": {"init_llm_for_finetune", "init_flow_for_finetune", "load_flow_weights"},
    "train/trainer/train_loop.py": {"train_llm_flow"},
    "train/utils/config_utils.py": {"load_and_validate_config", "load_yaml_config"},
    "train/utils/train_utils.py": {"EMA", "load_ckpt"},
    "train/utils/data_utils.py": {"load_audio"},
}
pytestmark = pytest.mark.usefixtures("working_folder")
LIST = "data/train.jsonl"


@pytest.mark.parametrize("path", TREE)
def test_every_file_of_the_tree_is_there_and_has_its_names(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    made = runpy.run_module(path.removesuffix(".py").replace("/", "."))  # as `from train.utils… import` finds it
    assert TREE[path] <= set(made) and "Tunesmith" in made["__doc__"]
    for name in [name for name in sys.modules if name == "train" or name.startswith("train.")]:
        del sys.modules[name]


def test_a_batch_of_the_dataset_is_one_that_both_losses_take() -> None:
    dataset = AudioEditDataset(LIST, tokenizer_path="pocket")
    assert len(dataset) == len(Path(LIST).read_text().splitlines()) and not dataset.left_out
    item = dataset[0]
    assert item is dataset[0], "kept"
    assert len(item["prompt_mel"]) == len(item["prompt_tokens"]) // 5 * 6
    assert len(item["target_mel"]) == len(item["target_tokens"]) // 5 * 6
    assert len(item["flow_encoder"]) == len(item["prompt_mel"]) + len(item["target_mel"])
    line = json.loads(Path(LIST).read_text().splitlines()[0])
    assert (item["target_text"], item["prompt_text"]) == (line["target_text"], line["prompt_text"])
    (batch,) = build_dataloader(LIST, 4, tokenizer_path="pocket", train=False)
    llm, flow = prepare_models_for_training(load_and_validate_config(config({})))
    with torch.no_grad():
        terms = dataset.family.objective.loss({"llm": llm.eval(), "flow": flow.eval()}, batch, None)
    losses = {name: float(term.sum) / term.denominator for name, term in terms.items()}
    assert 0 < losses["llm"] < 6 and 0 < losses["flow_t0.12"] < 6
    trained = {name for name, parameter in llm.named_parameters() if parameter.requires_grad}
    assert trained and all("lora_" in name for name in trained)


def test_what_the_dataset_cannot_do_is_said() -> None:
    for arguments, words in (
        ({"data_path": "none.jsonl"}, "there is no list none.jsonl"),
        ({"data_path": LIST, "sample_rate": 16_000}, "work at 24000 Hz, not 16000"),
        ({"data_path": LIST, "use_augment": True}, "masks over the mel are not offered"),
        ({"data_path": LIST, "max_audio_len": 0.1}, r"no pair of this list can be used.*are more than 0.1"),
    ):
        with pytest.raises(TunesmithError, match=words):
            AudioEditDataset(**arguments, tokenizer_path="pocket")  # type: ignore[arg-type]
    first = json.loads(Path(LIST).read_text().splitlines()[0])
    pairs = "\n".join(json.dumps({**first, "target_text": text}) for text in ("fine", "<|EOT|>"))
    Path("data/two.jsonl").write_text(pairs)
    dataset = AudioEditDataset("data/two.jsonl", tokenizer_path="pocket")
    assert len(dataset) == 1 and "holds <|EOT|>" in str(next(iter(dataset.left_out.values())))


def test_recordings_are_loaded_as_they_are_elsewhere() -> None:
    audio, rate = load_audio("data/audio/clip_001.flac", 16_000)
    assert rate == 16_000 and audio.shape[0] == 1 and 0 < float(audio.abs().max()) <= 1


def test_the_loop_is_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    from tunesmith.doorways.step_audio import finetune_demo
    from tunesmith.doorways.step_audio.guide_models import train_llm_flow

    seen: list[tuple[str, str]] = []
    monkeypatch.setattr(finetune_demo, "_train", lambda context, given, mode: seen.append((context.command, mode)) or 0)
    assert train_llm_flow(load_and_validate_config(config({})), "flow") == 0
    assert seen == [("finetune_demo.py --mode flow", "flow")]
