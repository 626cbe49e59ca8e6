"""The real classes at tiny sizes with random weights: they hear the sound, write nonsense, and that is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.label.answers import GOOD, clip, good, texts
from tunesmith.data.labels import read_labels
from tunesmith.errors import TunesmithError
from tunesmith.label.label_clips import label_folder
from tunesmith.label.prompt import SYSTEM
from tunesmith.label.provider import Question
from tunesmith.label.qwen_omni import KINDS, QwenOmni, chat
from tunesmith.run.console import Console

TEXT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 32,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]},
}
AUDIO = {
    "d_model": 32,
    "encoder_layers": 1,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "output_dim": 32,
    "num_mel_bins": 128,
}
VISION = {"depth": 1, "hidden_size": 32, "num_heads": 2, "intermediate_size": 32, "out_hidden_size": 32}


def tokenizer(marks: tuple[str, str, str]) -> Any:
    """Bytes and the special tokens of a generation."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<|im_start|>", "<|im_end|>", *marks, "<|image|>", "<|video|>", "<|vision|>", "<|pad|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE({token: number for number, token in enumerate([*special, *letters])}, []))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(special)
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|pad|>")


def ids(words: Any, marks: tuple[str, str, str], piece: str) -> dict[str, int]:
    names = {piece: marks[1], "audio_start_token_id": marks[0], "image_token_id": "<|image|>"}
    names |= {"video_token_id": "<|video|>", "vision_start_token_id": "<|vision|>", "pad_token_id": "<|pad|>"}
    return {name: words.convert_tokens_to_ids(token) for name, token in names.items()}


def tiny_qwen2_5(folder: Path) -> Path:
    """A whole Omni checkpoint as it is published: the thinker under ``thinker.``, and parts that are not wanted."""
    from transformers import Qwen2_5OmniConfig, Qwen2_5OmniThinkerConfig, Qwen2_5OmniThinkerForConditionalGeneration

    marks = KINDS["qwen2_5_omni"].marks
    words = tokenizer(marks)
    config = Qwen2_5OmniThinkerConfig(
        audio_config={**AUDIO, "n_window": 50},
        vision_config={**VISION, "fullatt_block_indexes": [0]},
        text_config={**TEXT, "vocab_size": len(words)},
        **ids(words, marks, "audio_token_index"),
    )
    torch.manual_seed(0)
    thinker = Qwen2_5OmniThinkerForConditionalGeneration(config)
    published = {}
    for name, value in thinker.state_dict().items():
        old = name.removeprefix("model.") if name.startswith("model.") else name
        old = "model." + old.removeprefix("language_model.") if old.startswith("language_model.") else old
        published[f"thinker.{old}"] = value.clone()
    save_file({**published, "talker.other": torch.zeros(2)}, folder / "model.safetensors", metadata={"format": "pt"})
    Qwen2_5OmniConfig(thinker_config=config.to_dict()).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def tiny_qwen3(folder: Path) -> Path:
    """A thinker alone."""
    from transformers import Qwen3OmniMoeThinkerConfig, Qwen3OmniMoeThinkerForConditionalGeneration

    marks = KINDS["qwen3_omni_moe"].marks
    words = tokenizer(marks)
    experts = {"head_dim": 16, "moe_intermediate_size": 16, "num_experts": 2, "num_experts_per_tok": 1}
    config = Qwen3OmniMoeThinkerConfig(
        audio_config={**AUDIO, "downsample_hidden_size": 8},
        vision_config={**VISION, "deepstack_visual_indexes": [0]},
        text_config={**TEXT, **experts, "vocab_size": len(words)},
        **ids(words, marks, "audio_token_id"),
    )
    torch.manual_seed(0)
    Qwen3OmniMoeThinkerForConditionalGeneration(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def qwen2_5(tmp_path_factory: pytest.TempPathFactory) -> QwenOmni:
    return QwenOmni(str(tiny_qwen2_5(tmp_path_factory.mktemp("qwen2_5"))), "cpu", longest=12)


@pytest.fixture(scope="module")
def qwen3(tmp_path_factory: pytest.TempPathFactory) -> QwenOmni:
    return QwenOmni(str(tiny_qwen3(tmp_path_factory.mktemp("qwen3"))), "cpu", longest=12)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(int(16000 * seconds)).astype(np.float32)


@pytest.mark.parametrize("generation", ["qwen2_5", "qwen3"])
def test_sound_of_any_length_is_heard(request: pytest.FixtureRequest, generation: str) -> None:
    """The model itself refuses inputs whose sound and placeholders differ in number."""
    qwen = request.getfixturevalue(generation)
    for seconds in (1.0, 1.237, 1.25, 1.26, 2.995, 29.0):
        assert isinstance(qwen.answer(Question("task", "clip", noise(seconds))), str)


@pytest.mark.parametrize("generation", ["qwen2_5", "qwen3"])
def test_another_sound_gives_another_distribution(request: pytest.FixtureRequest, generation: str) -> None:
    qwen = request.getfixturevalue(generation)
    loaded = qwen._loaded
    with torch.inference_mode():
        logits = [
            loaded.model(**qwen._inputs(loaded, Question("task", "clip", noise(2.0, seed)))).logits[0, -1]
            for seed in (0, 0, 1)
        ]
    assert torch.equal(logits[0], logits[1])
    assert not torch.allclose(logits[0], logits[2])


def test_the_published_weights_are_the_ones_that_answer(qwen2_5: QwenOmni) -> None:
    from safetensors.torch import load_file

    stored = load_file(Path(qwen2_5.model) / "model.safetensors")
    model = qwen2_5._loaded.model
    assert torch.equal(model.lm_head.weight, stored["thinker.lm_head.weight"])
    conv = next(name for name in stored if name.endswith("audio_tower.conv1.weight"))
    assert torch.equal(model.model.audio_tower.conv1.weight, stored[conv])


def test_random_weights_need_review(tmp_path: Path, qwen2_5: QwenOmni) -> None:
    clip(tmp_path / "a.wav", seconds=2.0)
    tally = label_folder(tmp_path, qwen2_5, SYSTEM, console=Console(quiet=True))
    assert (tally.made, len(tally.unusable)) == (0, 1)
    found = read_labels(tmp_path)["a.wav"]
    assert (found.status, found.provider) == ("needs_review", "qwen-omni")
    assert "JSON" in str(found.reason)
    assert found.answer
    assert texts(tmp_path) == {}


def test_a_scripted_answer_is_cut_from_the_prompt_and_read(
    tmp_path: Path, qwen2_5: QwenOmni, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip(tmp_path / "a.wav", seconds=2.0)
    loaded = qwen2_5._loaded
    prompts: list[str] = []

    def generate(input_ids: torch.Tensor, **settings: Any) -> torch.Tensor:
        assert loaded.tokenizer.convert_ids_to_tokens(settings["eos_token_id"]) == "<|im_end|>"
        prompts.append(loaded.tokenizer.decode(input_ids[0]))
        answer = "I hear a beat." if len(prompts) == 1 else good()
        said = loaded.tokenizer(f"{answer}<|im_end|>", return_tensors="pt")["input_ids"]
        return torch.cat([input_ids, said], dim=1)

    monkeypatch.setattr(loaded.model, "generate", generate)
    tally = label_folder(tmp_path, qwen2_5, SYSTEM, console=Console(quiet=True))
    assert tally.made == 1
    recaption = read_labels(tmp_path)["a.wav"].recaption
    assert recaption is not None
    assert recaption["descriptive"] == GOOD["descriptive"]
    assert "<|im_start|>assistant\nI hear a beat.<|im_end|>\n<|im_start|>user\nThat answer cannot be used" in prompts[1]
    assert prompts[1].startswith(f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n<|audio_bos|><|AUDIO|>")


def test_the_conversation_has_a_place_for_every_piece_of_sound() -> None:
    question = Question("task", "clip", noise(1.0))
    text = chat(question, KINDS["qwen2_5_omni"], 300)
    assert text == (
        f"<|im_start|>system\ntask<|im_end|>\n<|im_start|>user\n<|audio_bos|>{'<|AUDIO|>' * 75}<|audio_eos|>clip"
        "<|im_end|>\n<|im_start|>assistant\n"
    )
    assert chat(question, KINDS["qwen3_omni_moe"], 300).count("<|audio_pad|>") == 39


def test_a_model_that_is_missing_or_another_is_said(tmp_path: Path, tiny: Path) -> None:
    question = Question("task", "clip", noise(1.0))
    with pytest.raises(TunesmithError, match=r"the model cannot be loaded .*Check the name"):
        QwenOmni(str(tmp_path / "none"), "cpu").answer(question)
    with pytest.raises(TunesmithError, match=r"of the type musicgen, not Qwen2\.5-Omni"):
        QwenOmni(str(tiny), "cpu").answer(question)
