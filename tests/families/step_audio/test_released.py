"""The released layout: its own front ends hear and speak, and what is not there is said in a sentence."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data.sounds import phrase
from tests.families.step_audio.released import FLOW, IDS, LLM, MODEL, TOKENIZER, write_released
from tests.families.step_audio.released_runs import do, new_run, write_tokens, write_voice
from tunesmith.cli.main import main
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, AudioRef, Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Family, GenerationRequest
from tunesmith.families.step_audio import source
from tunesmith.families.step_audio.config import FLOW_FOLDER, PARAFORMER_FOLDER, SAMPLE_RATE, TOKENIZER_RATE
from tunesmith.families.step_audio.family import STEP_AUDIO
from tunesmith.families.step_audio.frontend import MEL_PER_GROUP, ReleasedFrontEnd
from tunesmith.families.step_audio.tokens import unpack

TOKENISER_FILES = (
    "linguistic_tokenizer.npy",
    "speech_tokenizer_v1.onnx",
    *(f"{PARAFORMER_FOLDER}/{name}" for name in ("config.yaml", "model.pt", "am.mvn")),
)
MODEL_FILES = (
    "tokenizer.model",
    *(f"{FLOW_FOLDER}/{name}" for name in ("cosyvoice.yaml", "flow.pt", "hift.pt", "campplus.onnx")),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model, its tokeniser beside it, a voice and a list of ready tokens."""
    folder = tmp_path_factory.mktemp("released")
    write_released(folder)
    write_voice(folder / "voice")
    write_tokens(folder / "sft.jsonl")
    return folder


@pytest.fixture(scope="module")
def family(root: Path) -> Family:
    return STEP_AUDIO.open(str(root / MODEL))


@pytest.fixture
def work(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder as working directory."""
    folder = tmp_path / "work"
    shutil.copytree(root, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("tunesmith.cli.guard._working_on", [])
    return folder


def said(capsys: pytest.CaptureFixture[str], verb: str, run: Path, *more: str) -> str:
    """The one sentence with which a command fails."""
    capsys.readouterr()
    assert do(verb, run, *more) == 1
    out = capsys.readouterr()
    everything = out.out + out.err
    assert "Traceback" not in everything
    [line] = [line for line in everything.splitlines() if line.startswith("error:")]
    return line


def test_a_recording_becomes_codes_mel_and_voice_and_sound_again(family: Family) -> None:
    sound = phrase(0, 2.0, SAMPLE_RATE)
    with family.encoding.encoder() as encoder:
        front_end = encoder.front_end
        assert isinstance(front_end, ReleasedFrontEnd)
        encoded, again = (front_end.encode(sound[None], SAMPLE_RATE) for _ in range(2))
        spoken = front_end.speak(torch.from_numpy(encoded.mel), 0)
        vq02, vq06 = unpack(encoded.codes.tolist(), IDS)
        other = front_end.encode(phrase(1, 2.0, SAMPLE_RATE)[None], SAMPLE_RATE)
    assert len(encoded.mel) == MEL_PER_GROUP * len(encoded.codes) // 5
    assert encoded.mel.shape[1] == FLOW.output_size
    assert len(set(vq02)) > 4
    assert len(set(vq06)) > 4
    assert encoded.speaker.shape == (FLOW.spk_embed_dim,)
    assert not np.allclose(other.speaker, encoded.speaker, atol=1e-3)
    assert spoken.shape == (len(encoded.mel) * SAMPLE_RATE // 50,)
    assert spoken.std() > 1e-4
    for name in ("codes", "mel", "speaker", "wave"):
        np.testing.assert_array_equal(getattr(encoded, name), getattr(again, name))


def test_tokenisers_hear_the_same_recording_at_another_rate(family: Family) -> None:
    with family.encoding.encoder() as encoder:
        fast, slow = (
            encoder.front_end.encode(phrase(0, 2.0, rate)[None], rate) for rate in (SAMPLE_RATE, TOKENIZER_RATE)
        )
    assert abs(len(fast.codes) - len(slow.codes)) <= 5


def test_prompts_are_made_by_the_published_text_tokeniser(family: Family) -> None:
    codes = [IDS.audio_base, IDS.audio_base + 1, *(IDS.audio_base + IDS.vq02 + n for n in range(3))]
    with family.encoding.encoder() as encoder:
        texts = {"caption": "你好 fox", PROMPT_TEXT: "quick"}
        clone, edit = (
            encoder.prompt(texts, kind, info, np.array(codes), np.zeros(0)).tolist()
            for kind, info in (("clone", None), ("emotion", "happy"))
        )
    for ids in (clone, edit):
        assert ids[:2] == [IDS.bos, IDS.bot]
        assert ids.count(IDS.bot) == 3
        assert ids.count(IDS.eot) == 2
        place = ids.index(IDS.audio_base)
        assert ids[place : place + 5] == codes
        assert max(one for one in ids if one < IDS.audio_base) < 68 + 256 + 150


def test_the_llm_is_read_from_its_shard_and_its_head_is_its_own(family: Family) -> None:
    networks = family.networks.load()
    assert networks["llm"].lm_head.weight.shape == (LLM.vocab_size, LLM.hidden_size)
    assert not torch.equal(networks["llm"].lm_head.weight, networks["llm"].model.embed_tokens.weight)
    assert not {"configuration_step1", "modeling_step1"} & sys.modules.keys()


def test_clone_and_edit_speak_whole_groups(family: Family) -> None:
    """A random LLM over 74,752 ids would say anything; the grammar lets it say codes in their order."""
    source = {PROMPT: phrase(2, 1.5, SAMPLE_RATE)[None]}
    asked = [
        GenerationRequest({"caption": "again", PROMPT_TEXT: "lazy"}, 0.5, seed, source=source, options=options)
        for seed, options in enumerate(({}, {"edit_type": "emotion", "edit_info": "happy"}, {"edit_type": "vad"}))
    ]
    made = list(family.generation.generator().generate(asked))
    for one in made:
        unpack(one.encoded["codes"].tolist(), IDS)
        frames = len(one.encoded["codes"]) // 5 * MEL_PER_GROUP
        assert one.encoded["mel"].shape == (frames, FLOW.output_size)
        assert one.audio.shape == (1, frames * SAMPLE_RATE // 50)
        assert np.isfinite(one.audio).all()
    assert len({one.encoded["ids"].tobytes() for one in made}) == len(asked)


def test_looking_at_clips_reads_no_weights(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("weights were read")

    run = new_run(work, "looked", work / "voice", work / MODEL)
    for name in ("torch.load", "safetensors.safe_open", "onnxruntime.InferenceSession"):
        monkeypatch.setattr(name, refuse)
    assert do("check", run) == 0
    assert do("plan", run) == 0


def test_looking_at_clips_downloads_nothing(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: pytest.fail("a download"))
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: None)
    assert main(["new", "hub", "--from", str(work / "sft.jsonl"), "--model", f"stepfun-ai/{MODEL}"]) == 0
    assert "  train: llm" in (work / "runs" / "hub" / "recipe.yaml").read_text(encoding="utf-8"), (
        "nothing has a recording"
    )
    assert do("check", work / "runs" / "hub") == 0
    assert do("plan", work / "runs" / "hub") == 0


def test_training_needs_no_tokeniser(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is encoded is enough to train both networks, wherever Paraformer and the ONNX files have gone."""
    run = new_run(work, "trained", work / "voice", work / MODEL)
    epochs = [f"train.stages.{stage}.epochs=1" for stage in ("llm", "flow", "joint")]
    assert do("encode", run, *epochs) == 0
    for library in ("onnxruntime", "sentencepiece"):
        monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delattr(ReleasedFrontEnd, "_tokenisers")
    monkeypatch.delattr(ReleasedFrontEnd, "_hift")
    assert do("train", run, *epochs) == 0
    assert (run / "best_model" / "llm" / "adapter_model.safetensors").is_file()
    assert (run / "best_model" / "flow" / "tuned.safetensors").is_file()


def test_ready_tokens_need_no_speech_tokeniser(work: Path) -> None:
    shutil.rmtree(work / TOKENIZER)
    run = new_run(work, "tokens", work / "sft.jsonl", work / MODEL)
    only = ("options.train=llm", "train.stages.llm.epochs=1")
    assert do("encode", run, *only) == 0
    assert do("train", run, *only) == 0
    assert do("export", run, *only, "--merged") == 0
    assert (run / "export" / "merged" / "model.safetensors").is_file()


@pytest.fixture(scope="module")
def checked(root: Path) -> Path:
    """A run whose clips are checked and not yet encoded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        run = new_run(root, "checked", root / "voice", root / MODEL)
    assert do("check", run) == 0
    return run


@pytest.fixture
def without(root: Path) -> Iterator[Callable[[Path], None]]:
    """Takes a file away for the length of a test."""
    taken: list[Path] = []

    def take(file: Path) -> None:
        taken.append(file.rename(file.with_name(f"{file.name}.away")))
        source.locate_tokenizer.cache_clear()

    yield take
    for file in taken:
        file.rename(file.with_name(file.name.removesuffix(".away")))


@pytest.mark.parametrize("name", [*MODEL_FILES, *TOKENISER_FILES])
def test_a_missing_file_is_named(
    root: Path,
    checked: Path,
    without: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    ours = name in MODEL_FILES
    without(root / (MODEL if ours else TOKENIZER) / name)
    line = said(capsys, "encode", checked)
    assert f"{Path(name).name} is missing" in line
    size = "7.8 GB" if ours else "1.5 GB"
    for word in (f"stepfun-ai/{MODEL if ours else TOKENIZER}", f"It is {name} of", "Apache-2.0", size):
        assert word in line


def test_a_missing_tokeniser_is_said_with_its_repository(
    root: Path, checked: Path, without: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    without(root / TOKENIZER)
    line = said(capsys, "encode", checked)
    for word in (f"stepfun-ai/{TOKENIZER}", "Apache-2.0", "1.5 GB", "options.tokenizer_path"):
        assert word in line


def test_missing_weights_of_the_llm_are_named(root: Path, family: Family, without: Callable[[Path], None]) -> None:
    without(root / MODEL / "model-00001.safetensors")
    with pytest.raises(TunesmithError, match=r"model-00001\.safetensors: these weights are missing") as caught:
        family.networks.load()
    assert f"stepfun-ai/{MODEL}" in str(caught.value)


@pytest.mark.parametrize("library", ["onnxruntime", "sentencepiece"])
def test_a_missing_library_names_the_extra(
    checked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    line = said(capsys, "encode", checked)
    assert f"the library {library} is not installed" in line
    assert ".wav" not in line  # it is no fault of a clip
    assert 'pip install "tunesmith[step-audio]"' in line


def test_a_tokeniser_elsewhere_is_found_by_the_option(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = new_run(work, "moved", work / "voice", work / MODEL)
    elsewhere = Path(shutil.move(work / TOKENIZER, work / "elsewhere"))
    assert do("encode", run, f"options.tokenizer_path={elsewhere}") == 0
    assert "is missing" in said(capsys, "encode", run, f"options.tokenizer_path={work / 'voice'}")


def test_keys_of_a_thousand_samples_read_every_file_once(
    family: Family, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are made in every process that trains; a checkpoint of gigabytes must not be read for each of them."""
    import hashlib

    clips = sorted((root / "voice").glob("*.wav"))
    samples = [
        Sample(
            f"{n}",
            {PROMPT: AudioRef(str(clips[n % 6])), "audio": AudioRef(str(clips[(n + 1) % 6]))},
            {"caption": f"text {n}", PROMPT_TEXT: "words"},
        )
        for n in range(1000)
    ]
    names = [spec.name for spec in family.encoding.fields()]
    first = {name: family.encoding.field_key(samples[0], name) for name in names}
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("a file was read again"))
    [family.encoding.field_key(sample, name) for sample in samples[::6] for name in names]
    assert {name: family.encoding.field_key(samples[0], name) for name in names} == first
