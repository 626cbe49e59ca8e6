"""The sampler against teacher forcing, against transformers' generate, and against its own batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tunesmith.errors import TunesmithError
from tunesmith.families.contract import GenerationRequest
from tunesmith.families.musicgen.family import MUSICGEN
from tunesmith.families.musicgen.objective import decoder_input, delay
from tunesmith.families.musicgen.sampler import long_form

GREEDY = {"temperature": 0.0}


def request(text: str = "trap 808 beat", seconds: float = 0.8, seed: int = 5, **options) -> GenerationRequest:
    return GenerationRequest({"caption": text}, seconds, seed, options=options)


@pytest.fixture(scope="module", params=["tiny", "tiny_stereo"])
def family(request):
    return MUSICGEN.open(str(request.getfixturevalue(request.param)))


@pytest.fixture(scope="module")
def generator(family):
    return family.generation.generator()


def teacher_forced(family, generator, codes_BKT, guidance: float, text: str):
    """Argmax codes of one full forward pass over the result, guided."""
    network, c = generator.network, family.checkpoint.config
    conditions = generator._conditions([text])
    states, mask = network.project(conditions.text, conditions.mask), conditions.mask
    if guidance != 1:
        states, mask = torch.cat([states, torch.zeros_like(states)]), torch.cat([mask, torch.zeros_like(mask)])
    k, frames = codes_BKT.shape[1:]
    tail = torch.full((1, k, max(c.delays)), c.pad)
    delayed = delay(torch.cat([torch.from_numpy(codes_BKT), tail], -1), c.delays, c.pad)
    inputs = decoder_input(delayed, c.pad).repeat(states.shape[0], 1, 1)
    with torch.no_grad():
        hidden = network.decoder.model(
            input_ids=inputs.reshape(-1, inputs.shape[-1]),
            encoder_hidden_states=states,
            encoder_attention_mask=mask.long(),
            use_cache=False,
        ).last_hidden_state
    logits = torch.stack([h(hidden) for h in network.decoder.lm_heads], 1)
    if guidance != 1:
        logits = logits[1:] + guidance * (logits[:1] - logits[1:])
    best = logits.argmax(-1)
    return torch.stack([best[:, i, s : s + frames] for i, s in enumerate(c.delays)], 1).numpy()


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_greedy_equals_a_teacher_forced_argmax(family, generator, guidance):
    made = next(generator.generate([request(temperature=0.0, guidance=guidance)]))
    codes = made.encoded["codes"].astype(np.int64)[None]
    assert (teacher_forced(family, generator, codes, guidance, "trap 808 beat") == codes).mean() == 1.0
    assert len(np.unique(codes)) > 5


def test_greedy_audio_equals_transformers_generate(family, generator):
    from transformers import AutoTokenizer, MusicgenForConditionalGeneration

    model = MusicgenForConditionalGeneration.from_pretrained(family.checkpoint.folder).eval()
    frames = 30
    ids = AutoTokenizer.from_pretrained(family.checkpoint.folder)("trap 808 beat", return_tensors="pt")
    model.generation_config.max_length = None
    theirs = model.generate(
        **ids,
        do_sample=False,
        guidance_scale=3.0,
        max_new_tokens=frames + family.checkpoint.config.num_codebooks // family.checkpoint.config.channels - 1,
    )
    ours = next(generator.generate([request(seconds=frames / family.checkpoint.config.frame_rate, **GREEDY)])).audio
    assert ours.shape == (family.checkpoint.config.channels, frames * family.checkpoint.config.hop)
    assert np.allclose(theirs[0].numpy(), ours, atol=1e-4)


def test_a_result_depends_on_its_seed_and_not_on_the_batch(generator):
    a, b, c = request("trap", seed=1), request("house pads drums piano", seed=2), request("trap", seed=3)
    alone = next(generator.generate([a])).encoded["codes"]
    batch = [made.encoded["codes"] for made in generator.generate([b, a, c])]
    assert np.array_equal(alone, batch[1])
    assert not np.array_equal(batch[1], batch[2])


def test_requests_of_different_length_and_options_go_together(family, generator):
    made = list(
        generator.generate([request(seconds=0.4), request(seconds=0.8, guidance=1.0), request(seconds=0.4, seed=9)])
    )
    assert [m.encoded["codes"].shape[1] for m in made] == [20, 40, 20]
    assert all(np.isfinite(m.audio).all() for m in made)


def test_a_source_is_continued_and_kept(family, generator):
    rng = np.random.default_rng(0)
    source = (0.3 * rng.standard_normal((family.checkpoint.config.channels, 20 * family.checkpoint.config.hop))).astype(
        np.float32
    )
    from tunesmith.families.musicgen.frontend import audio_codes

    asked = GenerationRequest({"caption": "trap"}, 0.8, 1, source={"audio": source})
    codes = next(generator.generate([asked])).encoded["codes"]
    assert codes.shape[1] == 40
    assert np.array_equal(codes[:, :20], audio_codes(generator.codec, family.checkpoint.config, source))


def test_long_form_slides_its_window_and_keeps_what_was_made(family, generator):
    calls = []

    def window(length, prompt, offset):
        calls.append((length, None if prompt is None else prompt.shape[-1], offset))
        new = np.full((1, 1, length), len(calls))
        if prompt is not None:
            new[..., : prompt.shape[-1]] = prompt
        return new

    codes = long_form(window, frames=100, window=50, stride=30)
    assert calls == [(50, None, 0), (50, 20, 30), (40, 20, 60)]
    assert codes.shape[-1] == 100
    assert codes[0, 0].tolist() == [1] * 50 + [2] * 30 + [3] * 20


def test_generation_beyond_the_window_is_teacher_forced_in_every_window(family, generator, monkeypatch):
    short = type(family.checkpoint.config)(**{**vars(family.checkpoint.config), "max_seconds": 0.8})
    monkeypatch.setattr(generator, "config", short)
    monkeypatch.setattr(generator, "settings", generator.settings.model_copy(update={"extend_stride": 0.48}))
    codes = next(generator.generate([request(seconds=1.6, temperature=0.0)])).encoded["codes"].astype(np.int64)[None]
    assert codes.shape[-1] == 80
    first, second = codes[..., :40], codes[..., 24:64]
    assert np.array_equal(teacher_forced(family, generator, first, 3.0, "trap 808 beat"), first)
    assert np.array_equal(teacher_forced(family, generator, second, 3.0, "trap 808 beat")[..., 16:], second[..., 16:])


def test_durations_that_are_not_positive_are_refused(generator):
    with pytest.raises(TunesmithError, match="positive duration"):
        list(generator.generate([request(seconds=0)]))
