"""Requests to speech: each by its own prompt and seed, whatever is asked beside it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.families.step_audio.tiny_checkpoint import FLOW_SIZES
from tunesmith.adapters.attach import attach
from tunesmith.adapters.scale import set_scale
from tunesmith.adapters.settings import AdapterRecipe
from tunesmith.data.load import load
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, edit_type
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import GenerationRequest
from tunesmith.families.step_audio import generate as module
from tunesmith.families.step_audio.config import FLOW, LLM, SAMPLE_RATE
from tunesmith.families.step_audio.family import STEP_AUDIO
from tunesmith.families.step_audio.generate import merged
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.tokens import unpack
from tunesmith.run.adapted import on_device


@pytest.fixture(scope="module")
def networks(tiny_family):
    return on_device(tiny_family.networks.load(), "cpu")


@pytest.fixture
def generator(tiny_family, networks):
    return tiny_family.generation.generator(networks)


@pytest.fixture(scope="module")
def ask(pairs):
    """A request for what a sample shows."""

    def ask(number: int, seed: int = 0, seconds: float = 0.8, **options) -> GenerationRequest:
        sample = pairs[number]
        texts = {"caption": sample.texts["caption"], PROMPT_TEXT: sample.texts[PROMPT_TEXT]}
        own = {k: v for k, v in sample.attributes.items() if k in ("edit_type", "edit_info")}
        source = {PROMPT: load(sample.audios[PROMPT], SAMPLE_RATE, 1)}
        return GenerationRequest(texts, seconds, seed, source=source, options={**own, **options})

    return ask


def test_a_result_depends_on_its_request_alone(generator, ask):
    requests = [ask(0, 5), ask(3, 6), ask(1, 7, seconds=0.3), ask(0, 5, temperature=0.0), ask(2, 8, flow_steps=3)]
    together = list(generator.generate(requests))
    assert [one.request for one in together] == requests
    for request, made in zip(requests, together, strict=True):
        (alone,) = generator.generate([request])
        assert np.array_equal(alone.encoded["codes"], made.encoded["codes"])
        assert np.allclose(alone.audio, made.audio, atol=1e-4)
        assert made.sample_rate == SAMPLE_RATE and made.audio.shape == (1, 480 * len(made.encoded["mel"]))


def test_generators_of_a_family_share_a_front_end_that_hears_a_prompt_once(tiny_family, networks, ask, monkeypatch):
    """As every round of previews makes its own generator."""
    family = STEP_AUDIO.open(tiny_family.path)
    first = family.generation.generator(networks)
    calls, original = [], first.encoder.front_end.tokenise
    monkeypatch.setattr(first.encoder.front_end, "tokenise", lambda voice: calls.append(1) or original(voice))
    made = [next(iter(family.generation.generator(networks).generate([ask(0, 5)]))) for _ in range(2)]
    assert np.array_equal(made[0].audio, made[1].audio) and len(calls) == 1
    next(iter(family.generation.generator(networks).generate([ask(1, 5)])))
    assert len(calls) == 2
    assert STEP_AUDIO.open(tiny_family.path).generation.generator(networks).encoder is not first.encoder


def test_the_base_is_computed_in_fp32_on_a_cpu(tiny_family):
    assert {p.dtype for p in tiny_family.networks.load()[LLM].parameters()} == {torch.float16}  # as its file has it
    assert {p.dtype for p in tiny_family.generation.generator().llm.parameters()} == {torch.float32}


def test_the_seed_decides(generator, ask):
    first, again, other = generator.generate([ask(0, 1), ask(0, 1), ask(0, 2)])
    assert np.array_equal(first.audio, again.audio)
    assert not np.array_equal(first.encoded["codes"], other.encoded["codes"])


def test_the_length_asked_for_is_the_longest(generator, ask):
    made = list(generator.generate([ask(0, seed, seconds=0.5) for seed in range(4)]))
    assert all(1 <= len(one.encoded["codes"]) // 5 <= 5 for one in made)


def test_training_and_use_read_a_sample_the_same_way(tiny_family, generator, items, ask, pairs):
    for number in (0, 3):
        (made,) = generator.generate([ask(number)])
        cached = items[number]
        for name in ("ids", "prompt_codes", "prompt_mel", "speaker"):
            assert np.array_equal(made.encoded[name], cached[name]), name
        assert edit_type(pairs[number].attributes) == ("style" if number == 3 else "clone")


def test_what_was_made_is_kept_as_the_cache_would_keep_it(tiny_family, networks, generator, ask):
    (made,) = generator.generate([ask(0)])
    kept = made.encoded
    assert set(kept) == {spec.name for spec in tiny_family.encoding.fields()}
    groups, prompt = len(kept["codes"]) // 5, len(kept["prompt_codes"]) // 5
    assert [len(codes) for codes in unpack(kept["codes"], tiny_family.checkpoint.ids)] == [2 * groups, 3 * groups]
    assert kept["mel"].shape == (6 * groups, FLOW_SIZES.output_size)
    assert kept["mu"].shape == (6 * (groups + prompt), FLOW_SIZES.output_size)
    with tiny_family.encoding.encoder() as encoder:
        assert np.array_equal(kept["mu"], encoder.mu(np.concatenate([kept["prompt_codes"], kept["codes"]])))
    batch = tiny_family.objective.collate([kept], None)
    with torch.no_grad():
        terms = tiny_family.objective.loss(networks, batch, None)
    assert all(np.isfinite(float(term.sum)) for term in terms.values())


def test_without_a_text_the_prompt_is_said_again(tiny_family, generator, ask):
    silent = ask(0)
    silent = GenerationRequest({"caption": " "}, 0.3, 0, source=silent.source)
    (made,) = generator.generate([silent])
    assert np.array_equal(made.encoded["codes"], made.encoded["prompt_codes"])
    assert len(made.encoded["ids"]) == 1
    batch = tiny_family.objective.collate([made.encoded], None)
    assert batch["llm_rows"] == [] and batch["flow_rows"] == [0]


def test_an_edit_without_texts_asks_the_llm(generator, ask):
    request = GenerationRequest({}, 0.3, 0, source=ask(0).source, options={"edit_type": "denoise"})
    (made,) = generator.generate([request])
    assert len(made.encoded["ids"]) > 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"edit_type": "shout"}, "no edit_type 'shout'"),
        ({"edit_type": "speed", "edit_info": "happy"}, "no edit_info 'happy'"),
        ({"edit_type": "clone", "edit_info": "happy"}, "takes no edit_info"),
        ({"temperature": -1}, "options.temperature"),
        ({"warmth": 1}, "options.warmth"),
    ],
)
def test_what_does_not_exist_is_refused(generator, ask, options, said):
    with pytest.raises(TunesmithError, match=said):
        list(generator.generate([ask(0, **options)]))


def test_a_request_without_a_voice_is_refused(generator):
    with pytest.raises(TunesmithError, match="voice to speak with"):
        list(generator.generate([GenerationRequest({"caption": "hello"}, 1.0, 0)]))


def test_an_items_own_edit_brings_its_own_aim():
    run = StepAudioSettings(edit_type="emotion", edit_info="happy", top_k=7)
    assert merged(run, {}) is run
    one = merged(run, {"edit_type": "denoise"})
    assert (one.edit_type, one.edit_info, one.top_k) == ("denoise", "", 7)
    assert merged(run, {"temperature": 0.2}).edit_info == "happy"
    assert merged(run, {"edit_type": "speed", "edit_info": "faster"}).edit_info == "faster"


def answering(monkeypatch, answer):
    """Let the LLM answer this; returns the options it was asked with."""
    asked = {}

    def fake(model, prompts, **options):
        asked.update(options)
        return [list(answer) for _ in prompts]

    monkeypatch.setattr(module, "generate", fake)
    return asked


def test_without_grammar_an_answer_counts_as_far_as_it_is_in_phase(tiny_family, generator, ask, items, monkeypatch):
    group = items[0]["codes"][:5].tolist()
    second = tiny_family.checkpoint.ids.audio_base + tiny_family.checkpoint.ids.vq02
    for answer in ([*group, *group, second, *group[1:]], [*group, *group, *group[:3]], [*group, *group, 7, 7, 7, 7, 7]):
        asked = answering(monkeypatch, answer)
        (made,) = generator.generate([ask(0, grammar=False)])
        assert asked["grammar"] is False
        assert made.encoded["codes"].tolist() == [*group, *group]


@pytest.mark.parametrize("answer", [[], [5, 6, 7, 8, 9, 10]])
def test_an_answer_without_speech_is_a_sentence(generator, ask, monkeypatch, answer):
    answering(monkeypatch, answer)
    with pytest.raises(TunesmithError, match="holds no speech"):
        list(generator.generate([ask(0, grammar=False)]))


def test_sampling_options_reach_the_llm(generator, ask, monkeypatch, items):
    asked = answering(monkeypatch, items[0]["codes"][:5])
    list(generator.generate([ask(0, 9, seconds=1.0, temperature=0.3, top_k=4, repetition_rule=True)]))
    expected = {"temperature": 0.3, "top_k": 4, "grammar": True, "repetition_rule": True, "seeds": [9], "max_new": [45]}
    assert {name: asked[name] for name in expected} == expected


def test_guidance_is_the_checkpoints_own_unless_asked_for(generator, ask, monkeypatch):
    seen = []
    original = module.inference
    monkeypatch.setattr(module, "inference", lambda *a, **k: seen.append((k["cfg"], k["steps"])) or original(*a, **k))
    list(generator.generate([ask(0), ask(0, flow_guidance=1.5, flow_steps=2), ask(0, flow_guidance=0.0)]))
    assert seen == [(FLOW_SIZES.inference_cfg_rate, 10), (1.5, 2), (0.0, 10)]


def test_adapters_are_heard_and_a_scale_of_zero_is_the_base(tiny_family, generator, ask):
    recipe = AdapterRecipe(rank=2, alpha=8, networks={FLOW: {"kind": "full"}})
    networks = attach(on_device(tiny_family.networks.load(), "cpu"), recipe, tiny_family.adapters.defaults(), seed=0)
    with torch.no_grad():
        for network in networks.values():
            for parameter in network.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    (base,) = generator.generate([ask(0, 3)])
    (tuned,) = tiny_family.generation.generator(networks).generate([ask(0, 3)])
    assert not np.array_equal(base.encoded["codes"], tuned.encoded["codes"])
    set_scale(networks, 0.0)
    (off,) = tiny_family.generation.generator(networks).generate([ask(0, 3)])
    assert np.array_equal(base.encoded["codes"], off.encoded["codes"]) and np.allclose(base.audio, off.audio, atol=1e-5)
    assert set(networks) == {LLM, FLOW}
