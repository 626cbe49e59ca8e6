"""Every argument of Step-Audio-EditX's own classes is taken: done as it means, or a sentence says why not.

The table holds the names, in their order, of both releases (over transformers, November 2025; over vLLM, April 2026)
and of the fine-tuning guide's repository.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.e2e.step_audio import SCRIPTS
from tunesmith.data.load import load
from tunesmith.data.sample import AudioRef
from tunesmith.doorways.step_audio.loading import VLLM, loading
from tunesmith.doorways.step_audio.model_loader import ModelSource, source_of
from tunesmith.doorways.step_audio.tokenizer import StepAudioTokenizer
from tunesmith.doorways.step_audio.tts import StepAudioTTS
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FLOW, LLM, PARAFORMER_FOLDER
from tunesmith.families.step_audio.pair_checks import request_notes
from tunesmith.families.step_audio.tokens import unpack
from tunesmith.texts import Message

CLIP = str(SCRIPTS / "data" / "audio" / "clip_001.flac")
UPSTREAM: tuple[tuple[Callable[..., Any], str], ...] = (
    (StepAudioTTS, "model_path audio_tokenizer model_source tts_model_id quantization_config torch_dtype device_map"),
    (
        StepAudioTTS,
        "model_path audio_tokenizer model_source tts_model_id quantization tensor_parallel_size gpu_memory_utilization "
        "max_model_len enforce_eager dtype kv_cache_dtype max_num_seqs max_num_batched_tokens cosyvoice_dtype "
        "cosyvoice_cuda_graph",
    ),
    (StepAudioTTS.load_finetuned_model, "self llm_ckpt_path flow_ckpt_path"),
    (StepAudioTTS.clone, "self prompt_wav_path prompt_text target_text"),
    (StepAudioTTS.edit, "self prompt_wav_path prompt_text edit_type edit_info target_text"),
    (StepAudioTTS.edit, "self input_audio_path audio_text edit_type edit_info text"),
    (StepAudioTokenizer, "encoder_path model_source funasr_model_id"),
    (StepAudioTokenizer.__call__, "self audio sr"),
    (StepAudioTokenizer.preprocess_wav, "self audio sample_rate enable_trim energy_norm"),
    (StepAudioTokenizer.wav2token, "self audio sample_rate enable_trim energy_norm"),
    (StepAudioTokenizer.get_vq02_code, "self audio session_id is_final"),
    (StepAudioTokenizer.get_vq06_code, "self audio"),
    (StepAudioTokenizer.merge_vq0206_to_token_str, "self vq02 vq06"),
)
"""Ours, and upstream's arguments of the same name."""


@pytest.fixture(scope="module")
def tokenizer() -> StepAudioTokenizer:
    return StepAudioTokenizer("pocket", "local", funasr_model_id=PARAFORMER_FOLDER)


@pytest.mark.parametrize(("ours", "names"), UPSTREAM)
def test_every_argument_of_upstream_is_taken(ours: Callable[..., Any], names: str) -> None:
    bound = inspect.signature(ours).bind(**dict.fromkeys(names.split(), "value"))
    beyond = bound.arguments.get("vllm", {})
    assert set(beyond) <= set(VLLM)
    if "input_audio_path" not in names and "dtype" not in names.split():
        inspect.signature(ours).bind(*names.split())  # by position too, as upstream is called


def test_the_words_for_a_source_are_upstreams() -> None:
    assert [source_of(word) for word in ("auto", "local", "huggingface", "modelscope")] == list(ModelSource)
    assert ModelSource.LOCAL == "local" and source_of(ModelSource.LOCAL) is ModelSource.LOCAL
    for call in (lambda: source_of("ftp"), lambda: StepAudioTokenizer("pocket", "ftp")):
        with pytest.raises(TunesmithError, match=r"there is no model_source 'ftp'.*modelscope"):
            call()


DONE: dict[str, tuple[dict[str, Any], Callable[[Any], bool]]] = {
    "int8": ({"quantization_config": "int8"}, lambda made: made.base_weights == "int8"),
    "int4": ({"quantization_config": "INT4"}, lambda made: made.base_weights == "nf4"),
    "dtype": ({"torch_dtype": torch.float16}, lambda made: made.precision == {LLM: torch.float16}),
    "name": ({"vllm": {"dtype": "bfloat16"}}, lambda made: made.precision == {LLM: torch.bfloat16}),
    "auto": ({"torch_dtype": "auto"}, lambda made: made.precision == {}),
    "flow": ({"vllm": {"cosyvoice_dtype": "bfloat16"}}, lambda made: made.precision == {FLOW: torch.bfloat16}),
    "device": ({"device_map": "cpu"}, lambda made: made.device == "cpu"),
    "map": ({"device_map": {"": "cpu"}}, lambda made: made.device == "cpu"),
    "number": ({"device_map": {"": 1}}, lambda made: made.device == "cuda:1"),
    "length": ({"vllm": {"max_model_len": 3072}}, lambda made: made.longest == 3072),
}
SAID: dict[str, tuple[dict[str, Any], str]] = {
    "packed": ({"quantization_config": "awq-4bit"}, "there is no quantization_config 'awq-4bit' here.*int8, int4"),
    "awq": ({"vllm": {"quantization": "awq"}}, "awq weights are read by vLLM alone.*quantization_config='int8'"),
    "parallel": ({"vllm": {"tensor_parallel_size": 2}}, "tensor_parallel_size: the model works on one device"),
    "dtype": ({"torch_dtype": torch.int8}, "torch_dtype cannot be 'int8'.*bfloat16"),
    "flow": ({"vllm": {"cosyvoice_dtype": "float16"}}, "cosyvoice_dtype cannot be 'float16'.*float32, bfloat16"),
    "twice": ({"torch_dtype": "float32", "vllm": {"dtype": "float32"}}, "the same thing, and both were given"),
    "devices": ({"device_map": "cpu", "device": "cpu"}, "the same thing, and both were given"),
    "split": ({"device_map": {"a": "cuda:0", "b": "cpu"}}, "works on one device, and device_map names"),
    "unknown": ({"vllm": {"swap_space": 4}}, "takes no argument swap_space.*kv_cache_dtype"),
}
IDLE = {
    "gpu_memory_utilization": 0.9,
    "enforce_eager": True,
    "kv_cache_dtype": "fp8",
    "max_num_seqs": 4,
    "max_num_batched_tokens": 512,
    "cosyvoice_cuda_graph": False,
}


def asked(quantization_config: Any = None, torch_dtype: Any = None, device_map: Any = None, **rest: Any) -> Any:
    return loading(quantization_config, torch_dtype, device_map, rest.get("device"), rest.get("vllm", {}))


@pytest.mark.parametrize("case", DONE)
def test_what_an_argument_means_is_done(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    given, holds = DONE[case]
    assert holds(asked(**given))
    assert not asked(**given).notes or "cpu" in str(given)


@pytest.mark.parametrize("case", SAID)
def test_what_cannot_be_done_is_said(case: str) -> None:
    given, words = SAID[case]
    with pytest.raises(TunesmithError, match=words):
        asked(**given)


def test_what_has_no_effect_is_said_and_what_is_left_at_its_default_is_not() -> None:
    notes = [str(note) for note in asked(device="cpu", vllm=IDLE).notes]
    assert [note.split(" has no effect: ")[0] for note in notes] == list(IDLE)
    precisions = {"dtype", "cosyvoice_dtype"}
    assert set(VLLM) == set(IDLE) | precisions | {"quantization", "tensor_parallel_size", "max_model_len"}
    assert asked(device="cpu", vllm={k: v for k, v in VLLM.items() if k not in precisions}).notes == ()
    (said,) = asked(torch_dtype=torch.bfloat16, device_map="cpu").notes
    assert "on a CPU everything is computed in float32" in str(said)


def test_codes_of_a_recording_by_upstreams_names(tokenizer: StepAudioTokenizer) -> None:
    audio = torch.from_numpy(load(AudioRef(CLIP), 24_000, 1))
    ids, vq02, vq06 = tokenizer.wav2token(audio, 24_000)
    assert unpack(ids, tokenizer.ids) == (vq02[: 2 * (len(ids) // 5)], vq06[: 3 * (len(ids) // 5)])
    text = tokenizer.merge_vq0206_to_token_str(vq02, vq06)
    assert text == "".join(f"<audio_{token - tokenizer.ids.audio_base}>" for token in ids)
    whole = tokenizer(audio, 24_000)
    assert whole.count("<audio_") >= text.count("<audio_"), "__call__ cuts no silence"
    assert whole == tokenizer(audio[0], 24_000)
    cut = tokenizer.preprocess_wav(audio, 24_000)
    assert cut.shape[0] == 1 and float(cut.abs().max()) == pytest.approx(0.999, abs=1e-3)
    assert tokenizer.get_vq02_code(cut) and tokenizer.get_vq06_code(cut)
    for call, words in (
        (lambda: tokenizer.get_vq02_code(cut, session_id="a"), "streams are not encoded piece by piece"),
        (lambda: tokenizer.wav2token(audio, 8_000), "8000 Hz"),
        (lambda: tokenizer.merge_vq0206_to_token_str([10**6, 0], [0, 0, 0]), "outside 0 to"),
        (lambda: StepAudioTokenizer("pocket", funasr_model_id="iic/other"), "iic/other is not the Paraformer"),
    ):
        with pytest.raises(TunesmithError, match=words):
            call()


def test_calls_as_upstream_makes_them(tokenizer: StepAudioTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    tts = StepAudioTTS("nowhere", tokenizer, "local", "pocket", None, torch.float32, "cpu", max_num_seqs=1)
    said: list[str] = []
    monkeypatch.setattr(tts.console, "log", lambda text, style=None: said.append(str(text)))
    audio, rate = tts.edit(CLIP, None, "denoise")
    assert rate == 24_000 and audio.ndim == 2 and audio.shape[1] > 2_400
    assert said == []
    tts.edit(CLIP, "a", "paralinguistic", None, "a [laughter]")
    assert "warning: the model knows no tag [laughter]" in said[0] and "[Laughter] meant?" in said[0]
    with pytest.raises(TunesmithError, match="was given no prompt_text"):
        tts.edit(CLIP, None, "emotion", "happy")
    tts.longest = 40
    with pytest.raises(TunesmithError, match=r"ids, and the model has room for 40.*max_model_len"):
        tts.clone(CLIP, "a", "b")


def test_a_voice_of_more_than_30_s_is_warned_of() -> None:
    (said,) = request_notes("clone", "x [laughter]", 31.0)
    assert isinstance(said, Message) and "has 31.0 s; over 30 s the model loses words" in str(said)
    assert not list(request_notes("clone", "x", 29.0)) and not list(request_notes("clone", "x", None))
