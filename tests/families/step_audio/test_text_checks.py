"""What is refused, what is warned of, and which network can learn from which line."""

from __future__ import annotations

import pytest

from tunesmith.data.sample import AudioRef, Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.edits import EDIT_TYPES
from tunesmith.families.step_audio.pair_checks import pair_findings, without_control
from tunesmith.families.step_audio.text_checks import (
    CHECKS,
    checked_tokens,
    edit_findings,
    edit_notes,
    lacks_text,
    learners,
    needs_text,
    text_findings,
    validate_samples,
)
from tunesmith.recipe.models import Recipe

IDS = TokenIds(audio_base=300, vq02=10, vq06=20)
AUDIOS = {"audio": AudioRef("/a.wav", duration=4.0), "prompt": AudioRef("/p.wav", duration=4.0)}


def line(number: int = 1, texts=None, audios=None, **attributes) -> Sample:
    attributes["line"] = f"train.jsonl:{number}"
    return Sample(f"s{number}", AUDIOS if audios is None else audios, texts or {}, attributes, split="train")


def test_an_unknown_edit_is_refused_at_its_line_with_the_list():
    validate_samples([line(1), line(2, edit_type="clone"), line(3, edit_type="emotion", edit_info="sad")])
    with pytest.raises(TunesmithError) as refused:
        validate_samples([line(1), line(7, edit_type="emotoin")])
    assert refused.value.where == "train.jsonl:7" and "emotoin" in str(refused.value.what)
    assert all(name in str(refused.value) for name in EDIT_TYPES)
    with pytest.raises(TunesmithError, match=r"train.jsonl:8.*sleepy.*happy"):
        validate_samples([line(8, edit_type="emotion", edit_info="sleepy")])
    with pytest.raises(TunesmithError, match=r"no_line.wav"):
        validate_samples([Sample("no_line.wav", AUDIOS, {}, {"edit_type": "x"})])


def test_edits_that_do_not_say_what_to_change_are_counted_once_for_each_type():
    samples = [line(n, edit_type="emotion") for n in range(3)]
    samples += [line(9, edit_type="speed"), line(10, edit_type="style", edit_info="warm"), line(11), line(12)]
    generic = list(edit_findings(samples))
    assert [(f.clip, f.level, f.value) for f in generic] == [("*", "warn", 3), ("*", "warn", 1)]
    assert "3 lines of edit_type emotion have no edit_info (the first: train.jsonl:0)" in str(generic[0].message)
    assert "happy" in str(generic[0].remedy) and generic[0].message.render("zh") != str(generic[0].message)
    assert list(edit_notes(samples)) == []
    validate_samples([line(1, edit_type="denoise", edit_info="wind")])
    (told,) = edit_notes([line(1, edit_type="denoise", edit_info="wind")])
    assert "edit_type denoise have an edit_info (the first: train.jsonl:1); it is not used" in str(told)


@pytest.mark.parametrize(
    ("kind", "roles"),
    [
        ("clone", ("caption", "prompt_text")),
        ("pronunciation", ("caption", "prompt_text")),
        ("paralinguistic", ("caption", "prompt_text")),
        ("emotion", ("prompt_text",)),
        ("speed", ("prompt_text",)),
        ("denoise", ()),
        ("vad", ()),
    ],
)
def test_each_edit_needs_the_texts_of_its_instruction(kind, roles):
    assert needs_text(line(edit_type=kind)) == lacks_text(line(edit_type=kind)) == roles
    assert lacks_text(line(edit_type=kind, texts={"caption": "a", "prompt_text": "b"})) == ()
    assert learners(line(edit_type=kind)) == ({"flow"} if roles else {"flow", "llm"})
    assert learners(line(edit_type=kind, texts=dict.fromkeys(roles, "words"))) == {"flow", "llm"}


def test_tokens_teach_the_llm_alone():
    tokens = {"prompt_tokens": [1], "target_tokens": [1]}
    texts = {"caption": "a", "prompt_text": "b"}
    assert learners(line(audios={}, texts=texts, **tokens)) == {"llm"}
    assert learners(line(audios={}, **tokens)) == set()
    assert learners(line(audios={"audio": AUDIOS["audio"]}, texts=texts)) == set(), "no prompt"


def test_ready_tokens_become_numbers_of_whole_groups():
    numbers = [0, 9, 10, 29, 15, 1]
    ids = [300 + number for number in numbers]
    samples = [
        line(1, prompt_tokens=numbers, target_tokens=ids),
        line(2, prompt_tokens=numbers, target_tokens=[0, 10, 0, 10, 10]),
        line(3, prompt_tokens=[0, 1, 30, 10, 10], target_tokens=ids),
        line(4, prompt_tokens=[0, 1, 10], target_tokens=ids),
        line(5, prompt_tokens=[-1, 1, 10, 11, 12], target_tokens=ids),
        line(6),
    ]
    kept, findings = checked_tokens(samples, IDS)
    assert [sample.id for sample in kept] == ["s1", "s6"]
    assert kept[0].attributes["prompt_tokens"] == kept[0].attributes["target_tokens"] == numbers[:5]
    assert [(finding.clip, finding.level) for finding in findings] == [(f"s{n}", "error") for n in (2, 3, 4, 5)]
    assert "out of phase" in str(findings[0].message) and "(train.jsonl:2)" in str(findings[0].message)
    assert "<audio_30> stands for no audio code" in str(findings[1].message)
    assert "holds 3 audio tokens, and a group has 5" in str(findings[2].message)


@pytest.mark.parametrize(
    ("text", "seconds", "warned"),
    [
        ("a perfectly ordinary sentence of some length", 4.0, False),
        ("它说的是一句普通的话", 3.0, False),
        ("no", 4.0, True),
        ("much too long for its clip " * 6, 2.5, True),
        ("no", 1.0, False),
        ("", 9.0, False),
    ],
)
def test_a_text_that_cannot_be_what_is_said_is_warned_of(text, seconds, warned):
    sample = line(texts={"caption": text}, audios={"audio": AudioRef("/a.wav", duration=seconds)})
    found = list(text_findings(sample))
    assert [finding.level for finding in found] == ["warn"] * warned
    assert all("syllables" in str(finding.message) and finding.limit for finding in found)


def test_the_limits_for_speech_are_limits_of_the_checks():
    limits = Recipe.model_validate({"checks": CHECKS}).checks
    assert limits.max_seconds == 30 and limits.short_seconds < 2


@pytest.mark.parametrize("token", ["<audio_5>", "<|EOT|>", "<|BOT|>", "<s>", "</s>"])
def test_a_text_with_a_control_token_is_put_aside_and_named(token):
    texts = {"caption": f"one {token} two", "prompt_text": "fine"}
    kept, (found,) = without_control([line(1, texts), line(2, {"caption": "<audio> is < or > [sigh]"})])
    assert [sample.id for sample in kept] == ["s2"]
    assert (found.level, found.clip) == ("error", "s1")
    assert f"its target_text holds {token}" in str(found.message) and "train.jsonl:1" in str(found.message)
    _, (found,) = without_control([line(3, {"caption": "fine", "prompt_text": token})])
    assert "its prompt_text holds" in str(found.message)


def test_tags_that_stand_for_no_sound_are_warned_of():
    def told(text: str, kind: str = "paralinguistic") -> list[str]:
        sample = line(1, {"caption": text, "prompt_text": "x"}, edit_type=kind)
        return [finding.with_remedy().render("en") for finding in pair_findings(sample)]

    known = ("[Laughter] ha", "[clears throat]so", "[Cantonese]你[Question-yi]", "a [giggle] b [Surprise-yo]")
    assert [told(text) for text in known] == [[]] * 4
    (said,) = told("well [laughter] and [Happy]")
    assert "no tag [laughter], [Happy]" in said and "Is [Laughter] meant?" in said and "[clears throat]" in said
    assert "names no sound to add" in told("no tag at all")[0]
    assert told("[Happy] words", "clone") == []


def test_one_recording_as_prompt_and_target_is_warned_of(tmp_path):
    for name, content in (("a.wav", b"one"), ("b.wav", b"one"), ("c.wav", b"two")):
        (tmp_path / name).write_bytes(content)

    def told(prompt: str, **span) -> list[str]:
        audios = {"audio": AudioRef(str(tmp_path / "a.wav")), "prompt": AudioRef(str(tmp_path / prompt), **span)}
        return [str(found.message) for found in pair_findings(line(1, audios=audios))]

    assert "the same recording" in told("a.wav")[0] and told("a.wav") == told("b.wav")
    assert told("c.wav") == told("a.wav", start=1.0) == told("absent.wav") == []
