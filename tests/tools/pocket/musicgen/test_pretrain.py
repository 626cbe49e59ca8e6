from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tools.pocket.musicgen.assemble import assemble, save_folder
from tools.pocket.musicgen.codec import CodecShape, fit_codec
from tools.pocket.musicgen.corpus import Corpus, encode, make_corpus
from tools.pocket.musicgen.numbers_page import generate
from tools.pocket.musicgen.pretrain import delay, held_out, losses, pretrain
from tools.pocket.musicgen.tokenizer import make_tokenizer
from tools.pocket.pretraining import PretrainPlan, Trained
from tunesmith.pocket.synth import render

torch.set_num_threads(1)
TOKENIZER = make_tokenizer()
CODEC = fit_codec(
    torch.from_numpy(np.stack([render("house", 2.0, seed, 4000).audio.mean(axis=1) for seed in range(2)])),
    CodecShape(sample_rate=4000, strides=(5, 10), bands=32, book_size=16, books=3),
)


def model():
    torch.manual_seed(0)
    return assemble(CODEC, TOKENIZER, width=32, layers=2, heads=2)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus(CODEC, ("house",), 2, first_seed=0, seconds=1.0)


def quiet(used: Trained, done: float) -> None:
    pass


def test_book_k_is_delayed_by_k_frames_and_its_tail_falls_off() -> None:
    codes = torch.tensor([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]])
    assert delay(codes, 99).tolist() == [[[1, 2, 3], [99, 4, 5], [99, 99, 7]]]


def test_the_loss_is_the_library_s_on_the_delayed_codes(corpus: Corpus) -> None:
    musicgen = model().eval()
    text = TOKENIZER(corpus.captions, padding=True, return_tensors="pt")
    target = delay(corpus.codes.long(), 16)
    inputs = torch.cat([torch.full_like(target[:, :, :1], 16), target[:, :, :-1]], 2)
    with torch.no_grad():
        mine = losses(musicgen, text.input_ids, text.attention_mask, corpus.codes.long())
        theirs = musicgen(**text, decoder_input_ids=inputs.flatten(0, 1), labels=target.transpose(1, 2)).loss
    assert mine.mean().item() == pytest.approx(theirs.item(), abs=1e-5)


def test_training_lowers_the_loss_and_leaves_the_codec_alone(corpus: Corpus, tmp_path: Path) -> None:
    musicgen = model()
    before = held_out(musicgen, TOKENIZER, corpus)
    used = pretrain(
        musicgen, TOKENIZER, corpus, PretrainPlan(updates=30), seed=0, state=tmp_path / "s.pt", report=quiet
    )
    after = held_out(musicgen, TOKENIZER, corpus)
    assert used.updates == 30
    assert np.mean(before) == pytest.approx(math.log(16), abs=0.3)
    assert np.mean(after) < np.mean(before) - 0.15
    weights = CODEC.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in musicgen.audio_encoder.state_dict().items())


def test_an_interrupted_training_ends_as_an_unbroken_one(corpus: Corpus, tmp_path: Path) -> None:
    def stop(used: Trained, done: float) -> None:
        if used.updates == 2:
            raise KeyboardInterrupt

    plan, broken, whole = PretrainPlan(updates=4), tmp_path / "broken.pt", tmp_path / "whole.pt"
    with pytest.raises(KeyboardInterrupt):
        pretrain(model(), TOKENIZER, corpus, plan, seed=0, state=broken, report=stop)
    resumed, straight = model(), model()
    pretrain(resumed, TOKENIZER, corpus, plan, seed=0, state=broken, report=quiet)
    pretrain(straight, TOKENIZER, corpus, plan, seed=0, state=whole, report=quiet)
    pairs = zip(resumed.parameters(), straight.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_the_folder_loads_like_a_published_checkpoint(corpus: Corpus, tmp_path: Path) -> None:
    from transformers import AutoProcessor, AutoTokenizer, MusicgenForConditionalGeneration

    musicgen = model()
    save_folder(musicgen, TOKENIZER, tmp_path)
    loaded = MusicgenForConditionalGeneration.from_pretrained(tmp_path)
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    pairs = zip(loaded.state_dict().values(), musicgen.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert (tmp_path / "model.safetensors").stat().st_size < 2.3 * sum(p.numel() for p in musicgen.parameters())
    processor = AutoProcessor.from_pretrained(tmp_path)
    assert processor.feature_extractor.sampling_rate == 4000
    caption = corpus.captions[0]
    assert AutoTokenizer.from_pretrained(tmp_path)(caption).input_ids == TOKENIZER(caption).input_ids
    ids = {loaded.generation_config.decoder_start_token_id, loaded.config.decoder.pad_token_id}
    assert ids | {loaded.config.decoder.decoder_start_token_id} == {16}


def test_generation_has_the_asked_length(corpus: Corpus) -> None:
    audio = generate(model().eval(), TOKENIZER, corpus.captions, 0.5, seed=0)
    assert audio.shape == (2, 2000)
    assert np.isfinite(audio).all()


def test_the_corpus_holds_the_codes_of_its_clips(corpus: Corpus) -> None:
    clip = render("house", 1.0, 1, 4000)
    codes = encode(CODEC, torch.from_numpy(clip.audio.mean(axis=1))[None])
    assert torch.equal(corpus.codes[1].long(), codes[0])
    assert corpus.captions[1] == clip.caption
    assert len({tuple(clip.flatten().tolist()) for clip in corpus.codes}) == 2


def test_every_parameter_but_the_codec_s_is_stored_exactly_in_half_precision(tmp_path: Path) -> None:
    musicgen = model()
    save_folder(musicgen, TOKENIZER, tmp_path)
    for tensor in itertools.chain(musicgen.parameters(), musicgen.buffers()):
        if tensor.is_floating_point():
            assert torch.equal(tensor, tensor.half().float())
