"""What a recording becomes: codes and mel of one cut, in training as in use."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.data.sounds import phrase
from tests.families.step_audio.tiny_checkpoint import BINS, WIDTH
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FLOW_FOLDER, SAMPLE_RATE, TOKENIZER_RATE, TokenIds
from tunesmith.families.step_audio.frontend import (
    SLACK_FRAMES,
    ReleasedFrontEnd,
    ReleasedTokenisers,
    SmallFrontEnd,
    aligned,
    open_front_end,
)
from tunesmith.families.step_audio.source import FRONT_END_FILES
from tunesmith.families.step_audio.tokens import pack, unpack


@pytest.fixture(scope="module")
def front_end(tiny_family):
    return open_front_end(tiny_family.checkpoint.folder, tiny_family.checkpoint.flow_folder, tiny_family.checkpoint.ids)


@pytest.fixture
def released_flow(tiny_family, tmp_path):
    """A flow's folder with the files that the released front end asks for."""
    folder = tmp_path / FLOW_FOLDER
    shutil.copytree(tiny_family.checkpoint.flow_folder, folder)
    for name in FRONT_END_FILES:
        (tmp_path / name).touch()
    return folder


def with_silence(sound: np.ndarray, before: float, after: float) -> np.ndarray:
    return np.concatenate([np.zeros(round(before * SAMPLE_RATE)), sound, np.zeros(round(after * SAMPLE_RATE))])[None]


def test_the_folder_says_which_front_end_it_asks_for(tiny_family, tmp_path, released_flow):
    assert isinstance(
        open_front_end(tiny_family.checkpoint.folder, tiny_family.checkpoint.flow_folder, tiny_family.checkpoint.ids),
        SmallFrontEnd,
    )
    other = open_front_end(tmp_path, released_flow, tiny_family.checkpoint.ids)  # no settings of small ones here
    assert isinstance(other, ReleasedFrontEnd) and other.mel_config.num_mels == BINS


@pytest.mark.parametrize("name", FRONT_END_FILES)
def test_files_that_are_needed_late_are_asked_for_early(tiny_family, tmp_path, released_flow, name):
    (tmp_path / name).unlink()
    with pytest.raises(TunesmithError, match="is missing") as refused:
        open_front_end(tmp_path, released_flow, tiny_family.checkpoint.ids)
    assert name in str(refused.value)


def test_codes_and_mel_are_whole_groups_of_the_same_length(front_end):
    for seconds in (0.4, 0.9, 1.37):
        encoded = front_end.encode(phrase(1, seconds, SAMPLE_RATE)[None], SAMPLE_RATE)
        groups = len(encoded.codes) // 5
        assert len(encoded.codes) == 5 * groups and encoded.mel.shape == (6 * groups, BINS)
        assert encoded.speaker.shape == (WIDTH,) and encoded.codes.dtype == np.int32
        assert [len(codes) for codes in unpack(encoded.codes, front_end.ids)] == [2 * groups, 3 * groups]


def test_silence_around_a_recording_changes_neither_codes_nor_mel(front_end):
    sound = phrase(2, 1.0, SAMPLE_RATE)
    step = 128 * 3 / 2 / SAMPLE_RATE  # the trimming's own grid at 16 kHz, so that it begins at the same sample
    lengths = ((50 * step, 0.4), (100 * step, 0.9))
    plain, padded = (front_end.encode(with_silence(sound, *around), SAMPLE_RATE) for around in lengths)
    assert np.array_equal(plain.codes, padded.codes)
    assert np.allclose(plain.mel, padded.mel, atol=2e-2)


def test_channels_are_mixed_and_rates_brought_to_the_models(front_end):
    sound = phrase(3, 1.0, SAMPLE_RATE)
    mono = front_end.encode(sound[None], SAMPLE_RATE)
    stereo = front_end.encode(np.stack([sound * 1.5, sound * 0.5]), SAMPLE_RATE)
    assert np.array_equal(mono.codes, stereo.codes)
    lower = front_end.encode(phrase(3, 1.0, TOKENIZER_RATE)[None], TOKENIZER_RATE)
    assert abs(len(lower.mel) - len(mono.mel)) <= 6
    with pytest.raises(TunesmithError, match="8000 Hz"):
        front_end.encode(sound[None, ::3], 8000)


def test_known_codes_are_taken_as_they_are(front_end):
    sound = phrase(4, 1.0, SAMPLE_RATE)[None]
    own = front_end.encode(sound, SAMPLE_RATE)
    known = np.roll(own.codes.reshape(-1, 5), 1, axis=0).ravel()
    assert np.array_equal(front_end.encode(sound, SAMPLE_RATE, known).codes, known)
    with pytest.raises(TunesmithError, match="audio tokens stand for"):
        front_end.encode(sound, SAMPLE_RATE, np.tile(known, 3))


@pytest.mark.parametrize(
    ("groups", "frames", "kept"),
    [(4, 24, 4), (4, 24 + SLACK_FRAMES + 5, 4), (4, 24 - SLACK_FRAMES, 3), (4, 24 - 1, 3), (1, 11, 1)],
)
def test_what_one_has_more_than_the_other_is_cut(groups, frames, kept):
    codes, mel = aligned(np.arange(5 * groups), np.zeros((frames, 2)))
    assert (len(codes), len(mel)) == (5 * kept, 6 * kept)


@pytest.mark.parametrize(("groups", "frames"), [(4, 24 + SLACK_FRAMES + 6), (4, 24 - SLACK_FRAMES - 1), (9, 24)])
def test_codes_and_mel_of_different_recordings_are_refused(groups, frames):
    with pytest.raises(TunesmithError, match=f"{groups * 6} mel frames and the audio has {frames}"):
        aligned(np.arange(5 * groups), np.zeros((frames, 2)))


def test_less_than_a_group_is_no_speech():
    with pytest.raises(TunesmithError, match="no 120 ms of speech"):
        aligned(np.arange(4), np.zeros((5, 2)))


def test_speaking_gives_the_length_of_the_mel_and_is_the_same_again(front_end):
    mel = torch.from_numpy(front_end.encode(phrase(5, 0.6, SAMPLE_RATE)[None], SAMPLE_RATE).mel)
    wave = front_end.speak(mel, 3)
    assert wave.shape == (480 * len(mel),) and np.abs(wave).max() > 0
    assert np.array_equal(wave, front_end.speak(mel, 3))


def test_the_released_front_ends_get_one_cut_at_their_own_rates(tmp_path, released_flow):
    ids, waves = TokenIds(), {}
    front_end = ReleasedFrontEnd(tmp_path, released_flow, ids, "", "cpu")

    def stand_in(name, rate, size):
        def codes(wave):
            waves[name] = wave
            return np.arange(round(len(wave) / TOKENIZER_RATE * rate)) % size

        return SimpleNamespace(codes=codes)

    def vector(wave):
        waves["speaker"] = wave
        return np.ones(192)

    tokenisers = object.__new__(ReleasedTokenisers)
    tokenisers.vq02, tokenisers.vq06 = stand_in("vq02", 50 / 3, ids.vq02), stand_in("vq06", 25, ids.vq06)
    vars(front_end)["_tokenisers"] = tokenisers
    vars(front_end)["_speaker"] = SimpleNamespace(vector=vector)
    made = front_end.encode(phrase(6, 1.5, SAMPLE_RATE)[None], SAMPLE_RATE)
    assert all(torch.equal(wave, waves["vq02"]) for wave in waves.values())
    seconds = len(waves["vq02"]) / TOKENIZER_RATE
    assert len(made.wave) / SAMPLE_RATE == pytest.approx(seconds, abs=1e-4)
    assert len(made.mel) == len(made.codes) // 5 * 6 and abs(len(made.mel) / 50 - seconds) < 0.12
    assert np.abs(waves["vq02"]).max() == pytest.approx(0.999, abs=1e-3) and np.abs(made.wave).max() <= 0.61
    expected = pack(np.arange(2 * 9) % ids.vq02, np.arange(3 * 9) % ids.vq06, ids)
    assert np.array_equal(made.codes[:45], expected)
