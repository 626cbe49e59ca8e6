"""Missing transcripts are heard, taken from the other audio, or told; every network has something to learn from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.data.sounds import phrase, save
from tunesmith.data.augmented import Augmented
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.complete import complete
from tunesmith.families.step_audio.config import TokenIds

IDS = TokenIds(audio_base=300, vq02=10, vq06=20)
TOKENS = {"prompt_tokens": [0, 1, 10, 11, 12], "target_tokens": [0, 1, 10, 11, 12]}
BOTH = frozenset({"llm", "flow"})


class Parrot:
    """Hears a clip's length."""

    name = "parrot"

    def __init__(self) -> None:
        self.heard: list[float] = []

    def transcribe(self, audio: np.ndarray, rate: int, language: str | None = None) -> str:
        assert audio.shape[0] == 1 and rate == 16_000
        self.heard.append(round(audio.shape[1] / rate, 1))
        return f" {self.heard[-1]} seconds {language} " if self.heard[-1] > 0.6 else " "


@pytest.fixture
def clips(tmp_path: Path) -> list[AudioRef]:
    """Three clips of 1.0, 1.1 and 0.5 s."""
    lengths = (1.0, 1.1, 0.5)
    return [
        AudioRef(str(save(tmp_path / f"{n}.wav", phrase(n, seconds))), duration=seconds)
        for n, seconds in enumerate(lengths)
    ]


def sample(name: str, target: AudioRef | None, prompt: AudioRef | None = None, texts=None, **attributes) -> Sample:
    audios = {role: ref for role, ref in (("audio", target), ("prompt", prompt)) if ref}
    return Sample(name, audios, texts or {}, attributes, split="train")


def completed(samples, networks=BOTH, find=lambda: None, **more) -> Augmented:
    return complete(samples, 1, networks=frozenset(networks), ids=IDS, find=find, **more)


def levels(done: Augmented) -> dict[str, str]:
    return {finding.clip: finding.level for finding in done.findings}


def test_the_flow_asks_for_no_text(clips):
    def find():
        raise AssertionError("nobody asked for Whisper")

    done = completed([sample("a", clips[0]), sample("b", clips[1])], {"flow"}, find)
    assert len(done.samples) == 2 and not done.findings


def test_whisper_hears_each_clip_once_and_prompts_take_its_words(clips):
    parrot = Parrot()
    samples = [
        sample("a", clips[0]),
        sample("b", clips[1]),
        sample("line", clips[1], clips[0], {"caption": "my own words"}),
    ]
    done = completed(samples, {"llm"}, lambda: parrot, language="en")
    assert sorted(parrot.heard) == [1.0, 1.1]
    texts = {one.id: dict(one.texts) for one in done.samples}
    assert texts["a"] == {"caption": "1.0 seconds en", "prompt_text": texts["a"]["prompt_text"]}
    assert texts["a"]["prompt_text"] in ("1.1 seconds en", "my own words")
    assert texts["line"] == {"caption": "my own words", "prompt_text": "1.0 seconds en"}
    assert "2 clips had no transcript and were transcribed by parrot" in str(done.notes[0])
    assert not done.findings


def test_without_whisper_the_line_is_kept_from_the_llm(clips):
    good = {"caption": "the target says", "prompt_text": "the prompt says"}
    samples = [sample("mute", clips[0], clips[1]), sample("good", clips[1], clips[0], good)]
    alone = completed(samples, {"llm"})
    assert [one.id for one in alone.samples] == ["good"] and levels(alone) == {"mute": "error"}
    assert "no target_text and prompt_text" in str(alone.findings[0].message)
    assert "whisper" in str(alone.findings[0].remedy)
    both = completed(samples)
    assert [one.id for one in both.samples] == ["mute", "good"] and levels(both) == {"mute": "warn"}
    assert "; the flow does" in str(both.findings[0].message)


def test_silence_is_no_transcript(clips):
    done = completed([sample("a", clips[0]), sample("b", clips[1]), sample("quiet", clips[2])], {"llm"}, Parrot)
    assert "quiet" not in {one.id for one in done.samples} and levels(done)["quiet"] == "error"


def test_edits_that_keep_the_words_need_them_once_and_added_sounds_cannot_be_heard(clips):
    parrot = Parrot()
    edits = [
        sample("emotion", clips[0], clips[1], {"caption": "said"}, edit_type="emotion", edit_info="sad"),
        sample("laugh", clips[0], clips[1], {"prompt_text": "ha"}, edit_type="paralinguistic"),
        sample("noise", clips[0], clips[1], edit_type="denoise"),
    ]
    done = completed(edits, {"llm"}, lambda: parrot)
    assert {one.id: dict(one.texts) for one in done.samples} == {
        "emotion": {"caption": "said", "prompt_text": "said"},
        "noise": {},
    }
    assert not parrot.heard
    assert levels(done) == {"laugh": "error"} and "cannot be heard" in str(done.findings[0].remedy)


def test_lines_of_tokens_teach_the_llm_and_not_the_flow(clips):
    texts = {"caption": "a", "prompt_text": "b"}
    tokens = sample("tokens", None, texts=texts, **TOKENS)
    pair = sample("pair", clips[0], clips[1], texts)
    assert [one.id for one in completed([tokens, pair]).samples] == ["tokens", "pair"]
    flow = completed([tokens, pair], {"flow"})
    assert [one.id for one in flow.samples] == ["pair"] and levels(flow) == {"tokens": "error"}
    broken = completed([replace(tokens, attributes={**TOKENS, "target_tokens": [0] * 5}), pair])
    assert [one.id for one in broken.samples] == ["pair"] and "out of phase" in str(broken.findings[0].message)


def test_a_network_with_nothing_to_learn_from_is_refused(clips):
    mute = sample("mute", clips[0], clips[1])
    with pytest.raises(TunesmithError, match=r"mute: none of 1 training lines has what the LLM learns from.*the flow"):
        completed([mute])
    tokens = sample("tokens", None, texts={"caption": "a", "prompt_text": "b"}, **TOKENS)
    with pytest.raises(TunesmithError, match="none of 1 training lines has what the flow learns from"):
        completed([tokens])
    assert completed([mute], {"llm"}).samples == [], "the check itself says that nothing is left"
