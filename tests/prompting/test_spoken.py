"""A run of a speaking family: what its requests carry, and what its evaluation says of each edit type."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch

from tests.evaluation.speech.family import TALK, TalkChecks, asked
from tests.evaluation.speech.talk import RATE, talk
from tests.speech.tiny_whisper import save
from tunesmith.adapters.attach import attach
from tunesmith.adapters.files import save_adapter
from tunesmith.data.replay import REPLAY
from tunesmith.data.sample import AudioRef, Sample, write_manifest
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import GenerationRequest
from tunesmith.files import read_json
from tunesmith.prompting.choose import choose_prompts
from tunesmith.prompting.spoken import asked_texts
from tunesmith.recipe.models import Recipe
from tunesmith.report.build import build_report
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.speech.tools import SpeechTools
from tunesmith.stages.encode import encode
from tunesmith.stages.evaluate import evaluate
from tunesmith.stages.generate import requests_for, with_source
from tunesmith.texts import Message

CLAUSES = ("the rain came down", "and the dog slept", "all through the night", "seven men sang loud", "by a green tree")
PROMPT_TEXT = "we left the town, and went by the sea"


def text_of(index: int) -> str:
    return ", ".join(CLAUSES[(index + k) % len(CLAUSES)] for k in range(3))


def samples(folder: Path) -> list[Sample]:
    made = []
    folder.mkdir()
    soundfile.write(folder / "prompt.wav", talk(PROMPT_TEXT)[0], RATE)
    prompt = AudioRef(str(folder / "prompt.wav"), duration=2.3)
    for kind, info, count in (("clone", None, 10), ("emotion", "happy", 8)):
        for index in range(count):
            audio = talk(text_of(index), seed=index)
            path = folder / f"{kind}{index}.wav"
            soundfile.write(path, audio[0], RATE)
            attributes = {"speaker_id": "me"} | ({"edit_type": kind, "edit_info": info, REPLAY: True} if info else {})
            made.append(
                Sample(
                    f"{kind}{index}",
                    {"prompt": prompt, "audio": AudioRef(str(path), duration=audio.shape[1] / RATE)},
                    {"caption": text_of(index), "prompt_text": PROMPT_TEXT},
                    attributes,
                    source=f"{kind}{index}",
                    split="valid" if index < 8 else "train",
                )
            )
    return made


def context_of(folder: Path, **sections) -> RunContext:
    recipe = Recipe.model_validate(
        {"model": {"path": "talk:base", "device": "cpu"}, "adapter": {"rank": 2}, "evaluate": {"count": 16}} | sections
    )
    context = RunContext(RunFolder(folder).create(), recipe, Console(quiet=True))
    context.__dict__["family"] = TALK.open("talk:base")
    asked.clear()
    return context


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    """A run with an adapter that was not trained well: edits suffer."""
    folder = tmp_path_factory.mktemp("speech")
    context = context_of(folder / "run")
    write_manifest(context.folder.manifest, samples(folder / "clips"))
    encode(context)
    attached = attach(context.family.networks.load(), context.recipe.adapter, context.family.adapters.defaults(), 0)
    with torch.no_grad():
        for name, parameter in attached["talker"].named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.5)
    save_adapter(attached, context.folder.best, "talk:base")
    evaluate(context)
    build_report(context.folder)
    return context


def test_a_request_carries_voice_texts_and_edit(run):
    kinds = [r.options.get("edit_type") for r in asked]
    at_further_strengths = 2 * ["clone", "emotion", "clone"]
    assert kinds == 2 * 8 * ["clone", "emotion"] + at_further_strengths
    request = asked[1]
    assert request.options == {"edit_type": "emotion", "edit_info": "happy"}
    assert request.texts == {"caption": text_of(0), "prompt_text": PROMPT_TEXT}
    assert request.source["prompt"].shape == (1, talk(PROMPT_TEXT).shape[1])
    assert request.seconds >= 10.0
    assert "edit_info" not in asked[0].options


def test_a_long_text_is_given_time(run):
    [prompt] = choose_prompts(run, (), 1, 10.0)
    long = replace(prompt.sample, audios=prompt.sample.audios | {"audio": AudioRef("x.wav", duration=14.0)})
    [request] = requests_for([replace(prompt, sample=long, voice=long)], 10.0, 0, run.family)
    assert request.seconds == 28.0
    assert "prompt" in request.source


def test_the_user_s_texts_are_spoken_in_the_held_out_voices(run):
    prompts = choose_prompts(run, ("good morning", "good night"), 4, 10.0)
    assert [p.voice.id for p in prompts] == ["clone0", "clone1"]
    [first, _] = requests_for(prompts, 10.0, 7, run.family)
    assert first.texts == {"caption": "good morning", "prompt_text": PROMPT_TEXT}
    assert first.options == {}
    assert "prompt" in first.source


def test_a_named_source_is_the_voice(run, tmp_path):
    soundfile.write(tmp_path / "other.wav", talk("quite another voice")[0], RATE)
    asked = {"source": str(tmp_path / "other.wav"), "source_prompt": "quite another voice"}
    context = context_of(tmp_path / "fresh", generate={"prompts": ["good morning"], **asked})
    prompts = choose_prompts(context, context.recipe.generate.prompts, 1, 10.0)
    [request] = with_source(context, requests_for(prompts, 10.0, 0, context.family))
    assert request.texts == {"caption": "good morning", "prompt_text": "quite another voice"}
    assert set(request.source) == {"prompt"}
    unspoken = context_of(tmp_path / "silent", generate={"source": asked["source"]})
    [request] = with_source(unspoken, requests_for(choose_prompts(run, (), 1, 10.0), 10.0, 0, run.family))
    assert "prompt_text" not in request.texts  # what the sample's prompt says is not what this one says


def test_a_source_of_too_low_a_rate_is_refused(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "phone.wav", talk("good morning")[0], 8_000)
    context = context_of(tmp_path / "run", generate={"source": str(tmp_path / "phone.wav")})
    requests = [GenerationRequest({"caption": "hello"}, 1.0, 0)]
    assert with_source(context, requests)  # a family that names no rate takes any
    monkeypatch.setattr(TalkChecks, "speech_tools", lambda self: SpeechTools(lowest_rate=16_000))
    with pytest.raises(TunesmithError, match=r"phone.wav: this recording has 8000 Hz, and at least 16000"):
        with_source(context, requests)


def test_an_edit_says_what_its_source_says(run, tmp_path):
    def asked(**generate):
        sections = {"options": {"edit_type": "speed"}, "generate": generate}
        return asked_texts(context_of(tmp_path / str(len(list(tmp_path.iterdir()))), **sections))

    with pytest.raises(TunesmithError, match="--source"):
        asked(prompts=["say this"])
    assert asked(source="a.wav", source_prompt="what is said", prompts=["another text"]) == ["what is said"]
    pinyin = context_of(tmp_path / "pinyin", options={"edit_type": "pronunciation"}, generate={"prompts": ["guo4"]})
    assert asked_texts(pinyin) == ["guo4"]
    clone = context_of(tmp_path / "clone", generate={"source": "a.wav", "prompts": ["say this"]})
    assert asked_texts(clone) == ["say this"]


def test_without_any_voice_it_is_said(tmp_path):
    context = context_of(tmp_path / "empty")
    with pytest.raises(TunesmithError, match="no voice to speak with"):
        with_source(context, requests_for(choose_prompts(context, ("hello",), 1, 10.0), 10.0, 0, context.family))


def test_what_was_lost_on_each_edit_type(run):
    record = read_json(run.folder.evaluation / "comparison_results.json")
    assert record["speech"]["voice"] == "MFCC statistics"
    assert record["speech"]["transcriber"] is None
    types = {one["edit_type"]: one for one in record["speech"]["edit_types"]}
    assert list(types) == ["clone", "emotion"]
    measures = {kind: {m["name"]: m for m in one["measures"]} for kind, one in types.items()}
    assert measures["emotion"]["skipped"]["adapter"] == 1.0
    assert measures["emotion"]["skipped"]["base"] == measures["clone"]["skipped"]["adapter"] == 0.0
    assert measures["emotion"]["length_error"]["judgement"] == "worse"
    assert measures["clone"]["length_error"]["judgement"] == "unchanged"
    assert measures["clone"]["length_error"]["pairs"] == 8
    assert measures["emotion"]["heldout_loss"]["pairs"] == measures["clone"]["heldout_loss"]["pairs"] == 8
    [overall] = [f for f in record["findings"] if f["name"] == "heldout_loss"]
    assert overall["evidence"]["clips"] == 8  # what is replayed is not what is to be learnt
    assert measures["emotion"]["voice_prompt"]["reference"] > 0.7
    [lost] = [f for f in record["findings"] if f["name"] == "edit_type_emotion"]
    assert lost["kind"] == "worse"
    assert "data.replay" in lost["remedy"]["text"]
    assert "回放" in Message.from_json(lost["remedy"]).render("zh")
    assert "words left out from 0 % to 100 %" in lost["sentence"]["text"]


def test_good_speech_is_not_held_to_music(run):
    record = read_json(run.folder.evaluation / "comparison_results.json")
    assert {v["name"] for p in record["prompts"] for v in p["base"]["verdicts"]} == set()
    lost = [v for p in record["prompts"] for v in p["lora"]["verdicts"]]
    assert {v["name"] for v in lost} == {"skipped_clause"}
    assert all(v["value"] < v["limit"] for v in lost)
    assert {f["title"]["text"] for f in record["features"]} <= {
        "Likeness to the speaker", "Speaking rate", "Brightness", "Loudness",
    }  # fmt: skip
    assert {f["name"] for f in record["findings"]} <= {
        "edit_type_emotion", "edit_type_clone", "edit_types_kept", "edit_types_unknown", "skipped_clause",
        "heldout_loss", "style", "changed_lufs", "forgetting",
    }  # fmt: skip
    assert [f["kind"] for f in record["findings"] if f["name"] == "forgetting"] == ["unmeasured"]


def test_references_are_the_true_recordings_in_full(run):
    record = read_json(run.folder.evaluation / "comparison_results.json")
    assert len(record["reference"]) == 16
    assert all(p["reference"] and p["source"] for p in record["prompts"])
    for clip in record["reference"]:
        assert clip["signals"]["duration_ratio"] == pytest.approx(1.0, abs=0.02)


def test_the_page_shows_the_edit_types(run):
    page = run.folder.report.read_text(encoding="utf-8")
    assert "By edit type" in page
    assert "按编辑类型" in page
    assert "emotion" in page
    assert "MFCC" in page


def test_a_named_whisper_is_used_on_both_sides(run, tmp_path, monkeypatch):
    context = context_of(tmp_path / "run", evaluate={"count": 2})
    monkeypatch.setattr(TalkChecks, "speech_tools", lambda self: SpeechTools(whisper=str(save(tmp_path / "whisper"))))
    write_manifest(context.folder.manifest, samples(tmp_path / "clips"))
    from tunesmith.stages.evaluate import compare

    compare(context, run.folder.best, tmp_path / "out")
    record = read_json(tmp_path / "out" / "comparison_results.json")
    assert record["speech"]["transcriber"] == "whisper"
    assert record["speech"]["error_rate"] == "WER"
    assert record["prompts"][0]["base"]["heard"]
    assert record["prompts"][0]["base"]["signals"]["error_rate"] > 0.5
    assert record["reference"][0]["heard"]


def test_what_a_family_expects_to_go_wrong_is_said_before_it_speaks(tmp_path, monkeypatch):
    seen = []

    def notes(self, kind, text, source_seconds):
        seen.append((kind, text, source_seconds))
        return [Message.fixed("too long")]

    monkeypatch.setattr(TalkChecks, "request_notes", notes)
    soundfile.write(tmp_path / "voice.wav", talk(PROMPT_TEXT)[0], RATE)
    source = {"prompts": ["a", "b"], "source": str(tmp_path / "voice.wav"), "source_prompt": PROMPT_TEXT}
    context = context_of(tmp_path / "run", generate=source)
    said = []
    monkeypatch.setattr(context.console, "warn", lambda text: said.append(str(text)))
    assert asked_texts(context) == ["a", "b"]
    assert [(kind, text) for kind, text, _ in seen] == [("clone", "a"), ("clone", "b")] and seen[0][2] > 1
    assert said == ["too long"], "once, not for every text"
