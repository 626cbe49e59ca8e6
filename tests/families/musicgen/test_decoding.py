"""The sampler's step against transformers' own forward pass and cache, its codes against a plain loop over those."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tunesmith.adapters.attach import attach
from tunesmith.adapters.scale import set_scale
from tunesmith.adapters.settings import AdapterRecipe
from tunesmith.families.musicgen.config import NETWORK
from tunesmith.families.musicgen.decoding import CachedDecoder, Captions
from tunesmith.families.musicgen.family import MUSICGEN
from tunesmith.families.musicgen.sampler import CodeSampler, SamplerConditions, Sampling, _draw, _guide
from tunesmith.families.musicgen.weights import TrainedPart, rebuild_positions

GUIDED = Sampling(3.0, 1.0, 50)


def wide():
    """A random decoder wider than the tiny ones, with its text as wide as itself."""
    from tunesmith.families.musicgen.config import parse_config

    torch.manual_seed(0)
    decoder = {"hidden_size": 256, "ffn_dim": 1024, "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 300}
    codec = {"model_type": "encodec", "codebook_size": 300}
    raw = {"model_type": "musicgen", "decoder": decoder, "audio_encoder": codec}
    config = parse_config(raw | {"text_encoder": {"model_type": "t5", "d_model": 256}}, "test")
    network = TrainedPart(config).requires_grad_(False).eval()
    rebuild_positions(network)
    return network, config


@pytest.fixture(params=["pocket", "wide", "stereo"])
def built(request):
    """A network, its config, and its adapter defaults."""
    if request.param == "wide":
        return wide()
    folder = "pocket/musicgen" if request.param == "pocket" else str(request.getfixturevalue("tiny_stereo"))
    family = MUSICGEN.open(folder)
    return family.networks.load()[NETWORK], family.checkpoint.config


def conditions_of(config, rows=3, whole=False):
    generator = torch.Generator().manual_seed(1)
    mask = torch.ones(rows, 7)
    if not whole:
        mask[1, 4:] = 0
    return SamplerConditions(torch.randn(rows, 7, config.text_size, generator=generator), mask)


def reference(network, conditions, copies, pieces):
    """Logits (R, K, V) after every piece of codes by transformers' forward pass and its growing cache."""
    states, mask = network.project(conditions.text, conditions.mask), conditions.mask
    if copies == 2:
        states, mask = torch.cat([states, torch.zeros_like(states)]), torch.cat([mask, torch.zeros_like(mask)])
    cache = None
    for piece in pieces:
        output = network.decoder.model(
            input_ids=piece.repeat(copies, 1, 1).reshape(-1, piece.shape[-1]),
            encoder_hidden_states=states.to(next(network.parameters()).dtype),
            encoder_attention_mask=mask.long(),
            past_key_values=cache,
            use_cache=True,
        )
        cache = output.past_key_values
        last = output.last_hidden_state[:, -1]
        yield torch.stack([head(last) for head in network.decoder.lm_heads], 1).float()


def apart(network, config, copies=2, first=1, steps=12, **how):
    """The largest difference of logits over some steps, and the largest logit."""
    conditions = conditions_of(config, **how)
    rows = len(conditions.mask)
    generator = torch.Generator().manual_seed(2)
    codes = torch.randint(config.vocab_size, (rows, config.num_codebooks, first + steps), generator=generator)
    pieces = [codes[..., :first], *codes[..., first:].split(1, -1)]
    mask = None if conditions.mask.all() else conditions.mask.bool()[:, None, None]
    with torch.no_grad():
        states = network.project(conditions.text.to(next(network.parameters()).dtype), conditions.mask)
        decoder = CachedDecoder(network, Captions(states, mask, copies * rows), first + steps)
        pairs = [
            (decoder.logits(piece), wanted)
            for piece, wanted in zip(pieces, reference(network, conditions, copies, pieces), strict=True)
        ]
    return max(float((ours - theirs).abs().max()) for ours, theirs in pairs), float(pairs[-1][1].abs().max())


@pytest.mark.parametrize("copies", [1, 2], ids=["plain", "guided"])
@pytest.mark.parametrize("first", [1, 9], ids=["from nothing", "after a prompt"])
@pytest.mark.parametrize("how", [{}, {"whole": True}, {"rows": 1, "whole": True}], ids=["padded", "whole", "alone"])
def test_logits_are_those_of_transformers_and_its_cache(built, copies, first, how):
    if how.get("rows") == 1 and copies == 1:
        how = {**how, "rows": 2}
    assert apart(*built, copies=copies, first=first, **how)[0] < 1e-4


def test_logits_of_weights_as_they_are_are_the_same(built, monkeypatch):
    monkeypatch.setattr("tunesmith.families.musicgen.decoding.may_reorder", lambda layers: False)
    assert apart(*built)[0] < 1e-4


def test_a_decoder_in_bf16_is_as_near_as_bf16_is(built):
    network, config = built
    difference, largest = apart(network.to(torch.bfloat16), config)
    assert difference < 0.04 * largest


@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
def test_adapters_act_at_their_strength(kind, scale):
    network, config = wide()
    adapted = _adapted(network, kind)
    set_scale({NETWORK: adapted}, scale)
    assert apart(adapted, config)[0] < 1e-4
    moved = float((_first_logits(adapted, config) - _first_logits(wide()[0], config)).abs().max())
    assert (moved > 0.01) == (scale > 0)


def test_adapters_in_bf16_stay_beside_their_weights():
    network, config = wide()
    difference, largest = apart(_adapted(network, "lora").to(torch.bfloat16), config)
    assert difference < 0.04 * largest


def _adapted(network, kind):
    recipe = AdapterRecipe(kind=kind, rank=4, alpha=8)
    from tunesmith.adapters.settings import AdapterDefaults
    from tunesmith.families.musicgen.adapters import TARGETS

    adapted = attach({NETWORK: network}, recipe, {NETWORK: AdapterDefaults(TARGETS, rank=4, alpha=8)}, seed=0)[NETWORK]
    torch.manual_seed(3)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.05)
    return adapted.eval()


@torch.no_grad()
def _first_logits(network, config):
    conditions = conditions_of(config, whole=True)
    decoder = CachedDecoder(network, Captions(network.project(conditions.text, conditions.mask), None, 6), 4)
    return decoder.logits(torch.full((3, config.num_codebooks, 1), config.pad))


@pytest.mark.parametrize("sampling", [GUIDED, Sampling(1.0, 0.7, 7), Sampling(3.0, 0.0, 1), Sampling(2.0, 1.3, 10**6)])
@pytest.mark.parametrize("known", [0, 5])
@torch.no_grad()
def test_codes_of_a_seed_are_those_of_a_plain_loop(built, sampling, known):
    network, config = built
    conditions, frames, seeds = conditions_of(config), 16, [3, 4, 5]
    shape = (3, config.num_codebooks, known)
    prompt = np.random.default_rng(0).integers(0, config.vocab_size, shape) if known else None
    sampler = CodeSampler(network, config)
    ticks: list[int] = []
    found = sampler.sample(conditions, frames, seeds, sampling, prompt=prompt, offset=2, progress=ticks.append)
    assert np.array_equal(found, _plain(sampler, conditions, frames, seeds, sampling, prompt))
    assert ticks == [1] * (frames + max(config.delays) - known)


def _plain(sampler, conditions, frames, seeds, sampling, prompt):
    """The same by whole forward passes without a cache, codebook by codebook."""
    network, c = sampler.network, sampler.config
    known, steps = (0 if prompt is None else prompt.shape[-1]), frames + max(c.delays)
    sequence = torch.full((len(seeds), c.num_codebooks, steps + 1), c.pad)
    for k, shift in enumerate(c.delays):
        if prompt is not None:
            sequence[:, k, 1 + shift : 1 + shift + known] = torch.from_numpy(prompt[:, k])
    noise = sampler._noise(seeds, steps, 2)
    for step in range(known, steps):
        (logits,) = reference(network, conditions, 1 if sampling.guidance == 1 else 2, [sequence[..., : step + 1]])
        codes = _draw(_guide(logits, sampling.guidance), noise[:, :, step], sampling)
        for k, shift in enumerate(c.delays):
            if known + shift <= step < frames + shift:
                sequence[:, k, step + 1] = codes[:, k]
    return torch.stack([sequence[:, k, 1 + s : 1 + s + frames] for k, s in enumerate(c.delays)], 1).numpy()
