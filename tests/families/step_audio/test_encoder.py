"""Samples to what the cache keeps of them."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from tunesmith.data.sample import PROMPT, PROMPT_TEXT
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.collate import ABSENT_FRAMES, ABSENT_IDS
from tunesmith.families.step_audio.config import FLOW, FLOW_FOLDER, SAMPLE_RATE
from tunesmith.families.step_audio.family import STEP_AUDIO
from tunesmith.families.step_audio.prompts import clone_prompt, edit_prompt
from tunesmith.families.step_audio.text_tokenizer import load_text
from tunesmith.families.step_audio.tokens import flow_tokens


@pytest.fixture(scope="module")
def names(tiny_family):
    return [spec.name for spec in tiny_family.encoding.fields()]


@pytest.fixture
def encoder(tiny_family):
    with tiny_family.encoding.encoder() as encoder:
        yield encoder


def numbers(codes, ids):
    return (codes - ids.audio_base).tolist()


def test_a_clone_is_asked_for_by_the_prompts_own_layout(tiny_family, items, pairs):
    one, sample = items[0], pairs[0]
    text = load_text(tiny_family.checkpoint.folder, tiny_family.checkpoint.ids)
    expected = clone_prompt(
        text,
        prompt_text=sample.texts[PROMPT_TEXT],
        prompt_ids=one["prompt_codes"].tolist(),
        target_text=sample.texts["caption"],
        speaker="debug",
        style="current",
        ids=tiny_family.checkpoint.ids,
    )
    assert one["ids"].tolist() == expected


def test_an_edit_is_asked_for_by_its_instruction(tiny_family, items, pairs):
    one, sample = items[3], pairs[3]
    text = load_text(tiny_family.checkpoint.folder, tiny_family.checkpoint.ids)
    expected = edit_prompt(
        text,
        edit_type="style",
        edit_info="whisper",
        source_text=sample.texts[PROMPT_TEXT],
        source_ids=one["prompt_codes"].tolist(),
        target_text=sample.texts["caption"],
        style="current",
        ids=tiny_family.checkpoint.ids,
    )
    assert one["ids"].tolist() == expected


def test_only_the_fields_asked_for_are_given(encoder, pairs):
    assert set(encoder.encode(pairs[0], ["mel", "speaker"])) == {"mel", "speaker"}


def test_mel_and_codes_agree_and_mu_is_that_of_prompt_and_target(tiny_family, items):
    flow = tiny_family.networks.load()[FLOW]
    for one in items:
        assert len(one["mel"]) == len(one["codes"]) // 5 * 6
        assert len(one["prompt_mel"]) == len(one["prompt_codes"]) // 5 * 6
        tokens = flow_tokens(np.concatenate([one["prompt_codes"], one["codes"]]), tiny_family.checkpoint.ids)
        with torch.no_grad():
            mu, _ = flow.mu(torch.from_numpy(tokens)[None], torch.tensor([len(tokens)]))
        assert len(one["mu"]) == len(one["prompt_mel"]) + len(one["mel"])
        assert np.allclose(one["mu"], mu[0].numpy(), atol=1e-5)


def test_without_texts_there_is_nothing_for_the_llm(encoder, names, items, pairs):
    made = encoder.encode(replace(pairs[0], texts={}), names)
    assert np.array_equal(made["ids"], ABSENT_IDS)
    assert all(np.array_equal(made[name], items[0][name]) for name in names if name != "ids")


def test_audio_tokens_alone_are_nothing_for_the_flow(encoder, names, items, pairs, tiny_family):
    tokens = {
        "prompt_tokens": numbers(items[0]["prompt_codes"], tiny_family.checkpoint.ids),
        "target_tokens": numbers(items[0]["codes"], tiny_family.checkpoint.ids),
    }
    made = encoder.encode(replace(pairs[0], audios={}, attributes=tokens), names)
    for name in ("codes", "prompt_codes", "ids"):
        assert np.array_equal(made[name], items[0][name]), name
    assert len(made["mel"]) == len(made["mu"]) == ABSENT_FRAMES


def test_audio_that_comes_with_its_tokens_keeps_both(encoder, names, items, pairs, tiny_family):
    codes = np.roll(items[0]["codes"].reshape(-1, 5), 1, axis=0).ravel()
    sample = replace(pairs[0], attributes={"target_tokens": numbers(codes, tiny_family.checkpoint.ids)})
    made = encoder.encode(sample, names)
    assert np.array_equal(made["codes"], codes)
    assert np.array_equal(made["mel"], items[0]["mel"])
    assert not np.allclose(made["mu"], items[0]["mu"])


def test_tokens_of_another_recording_are_refused_at_their_line(encoder, names, items, pairs, tiny_family):
    tokens = numbers(np.tile(items[0]["codes"], 4), tiny_family.checkpoint.ids)
    sample = replace(pairs[0], attributes={"target_tokens": tokens, "line": "pairs.jsonl:7"})
    with pytest.raises(TunesmithError, match="audio tokens stand for") as refused:
        encoder.encode(sample, names)
    assert refused.value.where == "pairs.jsonl:7"


def test_a_prompt_of_many_samples_is_encoded_once(encoder, pairs, monkeypatch):
    calls = []
    original = encoder.front_end.encode
    monkeypatch.setattr(encoder.front_end, "encode", lambda *given: calls.append(1) or original(*given))
    for sample in pairs[:3]:
        encoder.encode(replace(sample, audios={**sample.audios, PROMPT: pairs[0].audios[PROMPT]}), ["prompt_codes"])
    assert len(calls) == 3 + 1


def test_the_round_trip_is_the_recordings_own_mel_spoken(encoder, pairs):
    from tunesmith.data.load import load

    audio = load(pairs[0].audios["audio"], SAMPLE_RATE, 1)
    made = encoder.round_trip(audio)
    assert made.shape == (1, 480 * len(encoder.front_end.encode(audio, SAMPLE_RATE).mel))


def test_keys_follow_what_a_field_is_made_of(tiny_family, pairs, tiny_folder):
    def keys(sample, family=tiny_family):
        return {spec.name: family.encoding.field_key(sample, spec.name) for spec in tiny_family.encoding.fields()}

    def changed(sample, family=tiny_family):
        return {name for name, key in keys(sample, family).items() if key != base[name]}

    one, other = pairs[0], pairs[1]
    base = keys(one)
    assert changed(replace(one, id="renamed", source="elsewhere")) == set()
    assert changed(replace(one, audios={**one.audios, "audio": other.audios["audio"]})) == {"mel", "codes", "mu"}
    prompt = replace(one, audios={**one.audios, PROMPT: other.audios[PROMPT]})
    assert changed(prompt) == {"ids", "prompt_codes", "prompt_mel", "speaker", "mu"}
    assert changed(replace(one, texts={**one.texts, "caption": "another"})) == {"ids"}
    assert changed(replace(one, attributes={"edit_type": "denoise"})) == {"ids"}
    assert changed(replace(one, attributes={"target_tokens": [1, 2]})) == {"mel", "codes", "mu"}
    assert "mel" in changed(replace(one, audios={"audio": one.audios["audio"]}))  # without a prompt it has none
    legacy = STEP_AUDIO.open(str(tiny_folder), STEP_AUDIO.settings(prompt_style="legacy"))
    assert changed(one, legacy) == {"ids"}


def test_other_tokenisers_of_the_same_size_make_other_keys(pairs, tiny_folder, tmp_path):
    """What the codes depend on is what the files hold, not how many bytes."""
    from tunesmith.families.step_audio.small import SETTINGS, TENSORS
    from tunesmith.families.step_audio.source import TOKENIZER_FILES, TOKENIZER_NAME

    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder, ignore=shutil.ignore_patterns(SETTINGS, TENSORS))
    files = [folder / TOKENIZER_NAME / name for name in TOKENIZER_FILES]
    files.append(folder / FLOW_FOLDER / "campplus.onnx")
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"one")
    keys = {STEP_AUDIO.open(str(folder)).encoding.field_key(pairs[0], "codes")}
    for file in files:
        file.write_bytes(b"two")
        keys.add(STEP_AUDIO.open(str(folder)).encoding.field_key(pairs[0], "codes"))
    assert len(keys) == 1 + len(files)
