"""Prompts are other training clips of the same speaker, drawn by a rule that other clips hardly disturb."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tunesmith.data.sample import AudioRef, Sample, read_manifest, write_manifest
from tunesmith.families.step_audio.pairing import pair
from tunesmith.families.step_audio.sizes import PROMPTS


def clip(name: str, *, seconds: float = 5.0, text: str | None = None, split: str = "train", **attributes) -> Sample:
    texts = {"caption": f"words of {name}" if text is None else text}
    return Sample(name, {"audio": AudioRef(f"/{name}", duration=seconds)}, texts, attributes, split=split)


def prompts(samples, seed=1) -> dict[str, str]:
    return {sample.id: sample.audios["prompt"].path[1:] for sample in pair(samples, seed).samples}


def candidates(samples, **how) -> dict[str, list[str]]:
    """All prompts that an epoch may draw, by sample."""
    return {
        sample.id: [variant.audios["prompt"].path[1:] for variant in sample.in_variants()]
        for sample in pair(samples, 1, **how).samples
    }


def test_one_clip_of_a_good_length_does_not_become_the_voice_of_all():
    samples = [clip("good", seconds=5.0), *(clip(f"c{n}", seconds=2.0) for n in range(40))]
    drawn = candidates(samples)
    assert all(len(set(names)) == PROMPTS and sample not in names for sample, names in drawn.items())
    assert all("good" in names for sample, names in drawn.items() if sample != "good"), "it is preferred all the same"
    first = Counter(names[0] for names in drawn.values())
    assert max(first.values()) < 15 and len(first) >= 10


def test_a_clip_that_a_check_warned_of_prompts_nobody_while_others_exist():
    samples = [clip("warned", seconds=5.0), *(clip(f"c{n}", seconds=2.0) for n in range(3))]
    drawn = candidates(samples, warned={"warned"})
    assert all("warned" not in names for names in drawn.values())
    assert len(drawn["warned"]) == 3 and len(drawn["c0"]) == 2
    assert candidates(samples, warned={"warned", "c0", "c1", "c2"})["c0"], "where all are warned of, all may be"
    silent = [clip("loud"), clip("mute1", text=""), clip("mute2", text="")]
    assert candidates([*silent, clip("asks")], warned={"loud"})["asks"] == ["loud"], "words are needed to learn at all"
    alone = candidates([*silent, clip("asks")], warned={"loud"}, words_matter=False)["asks"]
    assert sorted(alone) == ["mute1", "mute2"]


def test_a_held_out_clip_has_one_prompt_and_manifests_keep_the_others(tmp_path):
    samples = [clip(f"c{n}", split="valid" if n < 3 else "train") for n in range(20)]
    done = pair(samples, 1)
    assert all(bool(sample.variants) == (sample.split == "train") for sample in done.samples)
    write_manifest(tmp_path / "m.jsonl", done.samples)
    assert list(read_manifest(tmp_path / "m.jsonl")) == list(done.samples)
    for sample in done.samples:
        for variant in sample.in_variants():
            assert variant.texts["prompt_text"] == f"words of {variant.audios['prompt'].path[1:]}"
            assert variant.id == sample.id and variant.texts["caption"] == sample.texts["caption"]


def test_every_clip_gets_another_one_and_its_transcript():
    samples = [clip(f"c{n}") for n in range(30)]
    done = pair(samples, 1)
    assert [sample.id for sample in done.samples] == [sample.id for sample in samples] and not done.findings
    for sample in done.samples:
        prompt = sample.audios["prompt"].path[1:]
        assert prompt != sample.id
        assert sample.texts["prompt_text"] == f"words of {prompt}"
        assert sample.audios["prompt"].duration == 5.0
    assert "30 clips of 1 speaker get another training clip" in str(done.notes[0])
    used = Counter(prompts(samples).values())
    assert len(used) > 8, "prompts are spread over the clips"


def test_order_does_not_matter_and_a_new_clip_changes_few_prompts():
    samples = [clip(f"c{n}") for n in range(200)]
    before = prompts(samples)
    shuffled = samples[:]
    random.Random(0).shuffle(shuffled)
    assert prompts(shuffled) == before
    assert prompts(samples, seed=2) != before
    after = prompts([*samples, clip("new")])
    assert sum(after[name] != before[name] for name in before) < 20
    fewer = prompts([sample for sample in samples if sample.id != "c7"])
    assert {name for name in fewer if fewer[name] != before[name]} == {n for n, p in before.items() if p == "c7"}


def test_held_out_clips_are_prompted_by_training_clips_and_prompt_nobody():
    samples = [clip(f"c{n}", split="valid" if n % 3 == 0 else "train") for n in range(30)]
    held = {sample.id for sample in samples if sample.split == "valid"}
    assert held <= set(prompts(samples))
    assert not held & set(prompts(samples).values())


def test_speakers_are_kept_apart_and_a_lonely_one_is_told():
    samples = [clip(f"{who}{n}", speaker_id=who) for who in "ab" for n in range(4)]
    samples += [clip("alone", speaker="c"), clip("d0", speaker_id="d"), clip("d1", speaker_id="d", split="valid")]
    done = pair(samples, 1)
    for sample in done.samples:
        assert sample.audios["prompt"].path[1] == sample.id[0]
    assert {finding.clip: finding.level for finding in done.findings} == {"alone": "error", "d0": "error"}
    assert "no other training clip of c" in str(done.findings[0].message)
    assert done.findings[0].message.render("zh") != str(done.findings[0].message)
    assert "d1" in {sample.id for sample in done.samples}, "a held-out clip may be prompted by the only training clip"


def test_good_lengths_transcripts_and_other_words_come_first():
    good = [clip(f"good{n}") for n in range(PROMPTS + 1)]
    short, long, silent = clip("short", seconds=1.0), clip("long", seconds=25.0), clip("silent", text=" ")
    drawn = [name for names in candidates([*good, short, long, silent]).values() for name in names]
    assert set(drawn) == {one.id for one in good}, "where there are enough of a good length, there is no other"
    assert prompts([clip("a"), short, silent])["a"] == "short", "a transcript counts more than the length"
    only = pair([clip("x", text=""), clip("y", text="")], 1).samples[0]
    assert only.audios["prompt"].path == "/y" and "prompt_text" not in only.texts
    same = [clip(f"s{n}", text="The same.") for n in range(5)]
    assert {prompts([*same, clip("other", seconds=1.0)])[f"s{n}"] for n in range(5)} == {"other"}
    assert prompts(same)["s0"] != "s0"


def test_no_clip_is_prompted_by_its_own_sound():
    ref = AudioRef("/one.wav", 0.0, 5.0, 5.0)
    again = Sample("again", {"audio": AudioRef("/one.wav", 4.0, 9.0, 5.0)}, {"caption": "b"}, split="train")
    later = Sample("later", {"audio": AudioRef("/one.wav", 5.0, None, 5.0)}, {"caption": "c"}, split="train")
    one = Sample("one", {"audio": ref}, {"caption": "a"}, split="train")
    assert {finding.clip for finding in pair([one, again], 1).findings} == {"one", "again"}
    assert pair([one, later], 1).samples[0].audios["prompt"] == later.audios["audio"]


def test_what_has_a_prompt_keeps_it_and_edits_need_their_source():
    given = Sample(
        "given",
        {"audio": AudioRef("/a", duration=4.0), "prompt": AudioRef("/b", duration=4.0)},
        {"caption": "a", "prompt_text": "b"},
        {"edit_type": "style"},
        split="train",
    )
    tokens = Sample("tokens", {}, {}, {"target_tokens": [1]}, split="train")
    edit = clip("edit", edit_type="denoise")
    done = pair([given, tokens, edit, clip("c1"), clip("c2")], 1)
    assert list(done.samples[:2]) == [given, tokens]
    assert [(finding.clip, finding.level) for finding in done.findings] == [("edit", "error")]
    assert "no source audio to edit" in str(done.findings[0].message)
    assert {sample.audios["prompt"].path for sample in done.samples[2:]} == {"/c1", "/c2"}, "no edited voice"


def test_a_prompt_that_is_held_out_elsewhere_is_said():
    held = clip("h", split="valid")
    line = Sample(
        "t", {"audio": AudioRef("/t", duration=4.0), "prompt": held.audios["audio"]}, {"caption": "t"}, split="train"
    )
    done = pair([held, line], 1)
    assert any("1 held-out clips are prompts of training lines" in str(note) for note in done.notes)


@pytest.mark.parametrize("count", [2, 3])
def test_very_few_clips_are_enough(count):
    assert len(prompts([clip(f"c{n}") for n in range(count)])) == count
