"""From a request to the sampler: sources and spans are used or refused, never dropped; lyrics are found and cut."""

from __future__ import annotations

import numpy as np
import pytest

from tests.families.ace_step.test_objective import item
from tests.golden_files import golden_path
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.encoder import language_of, lyric_fields
from tunesmith.families.ace_step.family import ACE_STEP
from tunesmith.families.ace_step.lyrics.tokens import LyricTokens
from tunesmith.families.ace_step.parts import text_encoder
from tunesmith.families.contract import GenerationRequest
from tunesmith.prompting.choose import asked_lyrics, lyrics_of

RATE = 48_000


@pytest.fixture(scope="module")
def family():
    return ACE_STEP.open(str(golden_path("ace_step/tiny_checkpoint")))


def make(family, seconds=1.0, span=None, texts=None, **options):
    source = {"audio": 0.1 * np.random.default_rng(0).standard_normal((2, int(seconds * RATE))).astype(np.float32)}
    request = GenerationRequest(
        texts or {"caption": "pop"}, seconds, 1, source, span, {"steps": 2, "guidance": 1.0, **options}
    )
    return next(iter(family.generation.generator().generate([request])))


def test_a_source_or_a_span_that_the_task_has_no_use_for_is_refused(family):
    with pytest.raises(TunesmithError, match="takes no source"):
        make(family)
    with pytest.raises(TunesmithError, match="takes no span"):
        make(family, span=(0, 1), task="audio2audio")
    with pytest.raises(TunesmithError, match="no use for what the source is"):
        make(family, texts={"caption": "pop", "source_caption": "rock"}, task="audio2audio")
    with pytest.raises(TunesmithError, match="needs a span"):
        make(family, task="repaint")


def test_a_song_is_extended_to_the_left_up_to_its_very_end(family):
    made = make(family, seconds=3.0, span=(-1.0, 3.0), task="extend")
    assert made.audio.shape[1] == 4 * RATE


@pytest.mark.parametrize("span", [(0.0, 1.5), (-0.25, 1.0), (0.0, 1.05)])
def test_an_extension_is_as_long_as_its_span_and_begins_with_it(family, span, monkeypatch):
    """Decoded frames are replaced by the number of each sample, counted from the first frame."""

    def numbered(self, latents, *, overlapped, seconds):
        return [np.arange(round(seconds[0] * RATE))[None].repeat(2, 0)]

    monkeypatch.setattr("tunesmith.families.ace_step.parts.codec.MusicCodec.decode", numbered)
    made = make(family, span=span, task="extend")
    assert made.audio.shape[1] == round((span[1] - span[0]) * RATE)
    rate = family.checkpoint.config.frame_rate
    left = made.encoded["latents"].shape[2] - 11 - (1 if span[1] == 1.05 else 6 if span[1] == 1.5 else 0)
    assert made.audio[0, 0] / RATE == pytest.approx(left / rate + span[0], abs=1e-4)


def test_lengths_are_told_in_seconds(family):
    with pytest.raises(TunesmithError, match=r"cannot repaint 3\.0 to 9\.0 s of a source of 4\.0 s"):
        make(family, seconds=4.0, span=(3.0, 9.0), task="repaint")
    with pytest.raises(TunesmithError, match=r"1\.0 to 2\.0 s do not extend a source of 4\.0 s"):
        make(family, seconds=4.0, span=(1.0, 2.0), task="extend")
    with pytest.raises(TunesmithError, match=r"200\.0 s before and 300\.0 s after does not fit into the 240 s"):
        make(family, seconds=1.0, span=(-200.0, 301.0), task="extend")


def test_an_edit_needs_to_know_what_its_source_is(family):
    with pytest.raises(TunesmithError, match=r"nothing says what the source is\. Say it with --source-text"):
        make(family, task="edit")
    texts = {"caption": "pop", "source_caption": "rock"}
    assert np.abs(make(family, texts=texts, task="edit").audio).max() > 0


def test_a_speaker_vector_is_heard_and_remembered(family, tmp_path):
    vector = np.random.default_rng(1).standard_normal(family.checkpoint.config.transformer.speaker_embedding_dim)
    np.save(tmp_path / "voice.npy", vector.astype(np.float32))
    path = str(tmp_path / "voice.npy")

    def song(texts, **options):
        request = GenerationRequest({"caption": "pop", **texts}, 1.0, 1, options={"steps": 2, **options})
        return next(iter(family.generation.generator().generate([request])))

    without, by_option, by_clip = song({}), song({}, speaker=path), song({"speaker_emb_path": path})
    assert np.abs(by_option.audio - without.audio).max() > 1e-4
    assert np.array_equal(by_option.audio, by_clip.audio)
    assert np.array_equal(by_option.encoded["speaker"], vector.astype(np.float32))
    assert not without.encoded["speaker"].any()
    with pytest.raises(TunesmithError, match="the speaker vector of the prompt cannot be read"):
        song({}, speaker=str(tmp_path / "nowhere.npy"))


def test_repainting_to_the_end_reaches_the_last_frame(family):
    whole = make(family, seconds=1.0, span=(0.5, 1.0), task="repaint", variance=1.0)
    assert whole.encoded["latents"].shape[2] == 11


def test_a_source_longer_than_the_model_knows_is_refused(family):
    source = {"audio": np.zeros((2, 250 * RATE), np.float32)}
    request = GenerationRequest({"caption": "pop"}, 1, 1, source, None, {"task": "audio2audio"})
    generator = family.generation.generator()
    generator.codec.encode = lambda audio: np.zeros((8, 16, 2700), np.float32)
    with pytest.raises(TunesmithError, match="250 s"):
        next(iter(generator.generate([request])))


def test_songs_without_features_are_measured_without_the_projection_losses(family):
    asked = ACE_STEP.open(family.path, ACE_STEP.settings(ssl="on"))
    networks = asked.networks.load()
    first, second = asked.checkpoint.config.transformer.ssl_names
    rng = np.random.default_rng(0)
    plain = item(asked, 9, 0)
    dims = asked.checkpoint.config.transformer.ssl_latent_dims
    full = {**plain, first: rng.standard_normal((30, dims[0])), second: rng.standard_normal((20, dims[1]))}
    batch = asked.objective.collate([full], None)
    assert {first, second} <= set(asked.objective.loss(networks, batch, None))
    batch = asked.objective.collate([plain], None)
    assert not {first, second} & set(asked.objective.loss(networks, batch, None)) and not {first, second} & set(
        batch["denominators"]
    )


def test_a_language_that_the_vocabulary_lacks_is_read_as_the_recipe_says(family):
    def read(language):
        return language_of(Sample("a", {}, {}, {"language": language}), family.settings)

    assert [read("ja"), read("vi"), read("")] == ["ja", "auto", "auto"]


def test_sections_beyond_the_limit_keep_their_place_in_the_song():
    tokens = LyricTokens(ids=(1, 5, 2), sections=(1,), section_lines=(2, 4, 4))
    assert lyric_fields(tokens)["lyric_sections"].tolist() == [[1, 2], [3, 4], [3, 4]]


def test_lyrics_are_a_text_or_a_file_and_as_long_as_the_preview(family, tmp_path):
    (tmp_path / "song.LRC").write_text("la la", encoding="utf-8")
    assert asked_lyrics(str(tmp_path / "song.LRC"), family) == "la la"
    assert asked_lyrics("la la", family) == "la la"
    with pytest.raises(TunesmithError, match="no such lyrics file"):
        asked_lyrics("nowhere.txt", family)
    lines = "[verse]\n" + "\n".join(f"[zh] line {i}" for i in range(10))
    song = Sample("a", {"audio": AudioRef("a", duration=100)}, {"lyrics": lines})
    assert lyrics_of(song, family, 20).splitlines() == ["[verse]", "[zh] line 0", "[zh] line 1"]
    assert lyrics_of(song, family, 100) == lines


def test_prompts_that_are_prepared_load_the_text_encoder_once(family, monkeypatch):
    loads = []
    load = text_encoder.load_umt5
    monkeypatch.setattr(text_encoder, "load_umt5", lambda *args: loads.append(args) or load(*args))
    settings = {"steps": 2, "guidance": 1.0}
    requests = [GenerationRequest({"caption": text}, 1.0, 1, options=settings) for text in ("pop", "rock", "folk")]
    generator = family.generation.generator()
    generator.prepare(requests)
    made = [next(iter(generator.generate([request]))).audio for request in requests]
    assert len(loads) == 1
    alone = next(iter(family.generation.generator().generate([requests[1]]))).audio
    assert np.array_equal(made[1], alone)
