"""The Step-Audio checkpoint that ships, as a user meets it; nothing here needs espeak-ng."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tools.pocket import sound
from tools.pocket.step_audio.assemble import SMALL_SECTION, SpeechParts
from tools.pocket.step_audio.edits import EDITS
from tools.pocket.step_audio.sample import Player, SpokenResult
from tools.pocket.step_audio.sentences import WORDS
from tools.pocket.step_audio.traits import traits
from tools.pocket.step_audio.word_check import warped_distance
from tunesmith.families.step_audio.config import FLOW_FOLDER, SAMPLE_RATE, TokenIds, known
from tunesmith.families.step_audio.edits import validate
from tunesmith.families.step_audio.parts.cosyvoice_yaml import COSYVOICE_FILE, read_cosyvoice
from tunesmith.families.step_audio.parts.flow_weights import FLOW_FILE, load_flow
from tunesmith.families.step_audio.parts.step1_weights import load_step1
from tunesmith.families.step_audio.small import SETTINGS, TENSORS, read_small
from tunesmith.families.step_audio.small.codes import padded_mel
from tunesmith.families.step_audio.text_tokenizer import JsonText, load_text
from tunesmith.files import read_json
from tunesmith.pocket.shipped import pocket_path

FOLDER = pocket_path("step_audio")
TEXTS = ("five wild birds sing tomorrow", "my golden trains wait")


@pytest.fixture(scope="module")
def player() -> Player:
    ids = known(TokenIds, read_json(FOLDER / "config.json")[SMALL_SECTION])
    text = load_text(FOLDER, ids)
    assert isinstance(text, JsonText)
    flow = load_flow(FOLDER / FLOW_FOLDER / FLOW_FILE, read_cosyvoice(FOLDER / FLOW_FOLDER / COSYVOICE_FILE).flow)
    return Player(
        SpeechParts(load_step1(FOLDER, dtype=torch.float32), flow, text.model, ids, *read_small(FOLDER)), text
    )


@pytest.fixture(scope="module")
def voice(player: Player) -> list[SpokenResult]:
    folder = FOLDER / "examples" / "voice"
    rows = read_json(folder / "metadata.json")
    return [player.hear(row["text"], soundfile.read(folder / row["audio"], dtype="float32")[0]) for row in rows[:8]]


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 8e6


def test_it_has_the_files_of_a_checkpoint_and_their_keys() -> None:
    config = read_json(FOLDER / "config.json")
    assert config["model_type"] == "step1"
    assert config["tie_word_embeddings"] is False
    assert config["num_attention_groups"] < config["num_attention_heads"]
    ids = config[SMALL_SECTION]
    assert config["vocab_size"] == ids["audio_base"] + ids["vq02"] + ids["vq06"]
    yaml = (FOLDER / FLOW_FOLDER / COSYVOICE_FILE).read_text(encoding="utf-8")
    for key in ("flow:", "hift:", "mel_conf:", "inference_cfg_rate:", "estimator:", "istft_params:"):
        assert key in yaml
    assert (FOLDER / SETTINGS).is_file()
    assert (FOLDER / TENSORS).is_file()


def test_its_numbers_are_measured_and_say_what_it_can_do() -> None:
    numbers = read_json(FOLDER / "numbers.json")
    right, of = map(int, numbers["clone_base"]["right"].split("/"))
    assert right / of > 0.75  # what the feasibility study reached; chance is one in eight
    right, of = map(int, numbers["clone_base"]["right_from_true_codes"].split("/"))
    assert right / of > 0.9
    assert numbers["loss"]["clone"]["accuracy"] > 0.7
    assert {name.split()[0] for name in numbers["edits"]} == {edit.kind for edit in EDITS}
    page = (FOLDER / "NUMBERS.md").read_text(encoding="utf-8")
    assert numbers["clone_base"]["right"] in page
    assert numbers["clone_new"]["right"] in page


def test_the_example_voice_is_forty_clips_with_transcripts_in_its_vocabulary() -> None:
    folder = FOLDER / "examples" / "voice"
    rows = read_json(folder / "metadata.json")
    assert len(rows) >= 36
    assert len({row["text"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row["text"].split()) <= set(WORDS)
        info = soundfile.info(folder / row["audio"])
        assert (info.samplerate, info.channels, info.subtype) == (SAMPLE_RATE, 1, "PCM_16")
        assert 0.8 < info.duration < 4


def test_the_edit_pairs_name_files_and_edits_that_there_are() -> None:
    folder = FOLDER / "examples" / "edits"
    lines = [json.loads(line) for line in (folder / "edits.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {(line["edit_type"], line.get("edit_info", "")) for line in lines} == {(e.kind, e.info) for e in EDITS}
    for line in lines:
        validate(line["edit_type"], line.get("edit_info"))
        source, target = (
            soundfile.read(folder / line[f"{side}_audio_path"], dtype="float32")[0] for side in ("prompt", "target")
        )
        before, after = traits(source), traits(target)
        if line["edit_type"] == "vad":
            assert before["silence_s"] > 0.25 > after["silence_s"]
        if line["edit_type"] == "denoise":
            assert before["floor_db"] > after["floor_db"] + 2
        if line.get("edit_info") == "faster":
            assert after["seconds"] < 0.85 * before["seconds"]


def test_a_clone_is_speech_of_a_likely_length(player: Player, voice: list[SpokenResult]) -> None:
    for prompt, text, ids in zip(voice, TEXTS, player.cloned(voice[:2], TEXTS), strict=False):
        wave = player.speak(prompt, ids)
        expected = len(prompt.ids) / len(prompt.text.split()) * len(text.split())
        assert 0.5 < len(ids) / expected < 2
        heard = sound.measure(wave, SAMPLE_RATE)
        assert -35 < heard.level_db < -12
        assert heard.low_swing_db > 3  # words, not a drone
        assert heard.noisiness < 0.5
        frames = wave[: len(wave) // 480 * 480].reshape(-1, 480)
        levels = 20 * np.log10(np.maximum(frames.std(axis=1), 1e-5))
        assert levels.max() - np.percentile(levels, 10) > 15
        assert np.abs(np.diff(wave)).max() < 0.6  # no click


def test_codes_and_flow_keep_what_is_said(player: Player, voice: list[SpokenResult]) -> None:
    """From the codes of a clip, after another clip: of eight sentences the nearest one is the clip's own."""
    said = [one.mel.clamp(min=player.parts.config.mel_floor).T.numpy() for one in voice]
    for number in (0, 3):
        mel = padded_mel(player.wave(player.paint(voice[number + 1], voice[number].ids)), player.parts.config)
        made = mel.clamp(min=player.parts.config.mel_floor).T.numpy()
        distances = [warped_distance(made, one) for one in said]
        assert int(np.argmin(distances)) == number


def test_an_edit_changes_the_speed(player: Player, voice: list[SpokenResult]) -> None:
    faster, slower = (player.edited(voice[:4], "speed", info) for info in ("faster", "slower"))
    assert sum(map(len, faster)) < 0.8 * sum(map(len, slower))


def test_the_stored_weights_are_sixteen_bit() -> None:
    state = torch.load(Path(FOLDER / FLOW_FOLDER / FLOW_FILE), weights_only=True)
    assert {tensor.dtype for tensor in state.values()} == {torch.float16}
