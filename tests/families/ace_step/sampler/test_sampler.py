"""The loops: where they arrive, that items never mix, and what each task keeps of its source."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from tests.families.ace_step.sampler.toy import CPU, SHAPE, Toy, ask, noise, prompt, run, still
from tests.families.ace_step.tiny_transformer import TINY, random_transformer
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import LyricEncoderConfig
from tunesmith.families.ace_step.sampler import sample as loops
from tunesmith.families.ace_step.sampler.request import LatentRequest, SongPrompt
from tunesmith.families.ace_step.sampler.sample import sample
from tunesmith.families.ace_step.sampler.step import rescaled
from tunesmith.families.ace_step.settings import AceStepSettings


@pytest.fixture(scope="module")
def transformer():
    """Deep enough for weakened attention in its blocks and in the last layers of its lyric encoder."""
    lyric_encoder = LyricEncoderConfig(output_size=16, attention_heads=2, linear_units=24, num_blocks=6)
    return random_transformer(dataclasses.replace(TINY, num_layers=17, lyric_encoder=lyric_encoder))


def tiny_request(seed: int, frames: int, tags: int, lyrics: int, **options) -> LatentRequest:
    generator = torch.Generator().manual_seed(seed)
    text, weak = torch.randn(2, tags, TINY.text_embedding_dim, generator=generator)
    ids = torch.randint(TINY.lyric_encoder_vocab_size, (lyrics,), generator=generator)
    settings = AceStepSettings.model_validate({"steps": 12, **options})
    return LatentRequest(SongPrompt(text, ids, weak), seed, settings, frames)


# --- integration ---------------------------------------------------------------------------------------------------


def test_euler_follows_a_linear_velocity_to_its_analytic_end():
    """dx/dsigma = x from 1 to 0 ends at x / e; Euler's end is the product of its own factors, near to that."""
    made, toy = run(lambda x, level, tags: x, ask(steps=60))
    steps = torch.tensor([*toy.levels, 0.0]).diff().double()
    assert torch.allclose(made, noise(7, 10) * (1 + steps).prod().float(), atol=1e-6)
    assert torch.allclose(made, noise(7, 10) / math.e, rtol=0.02, atol=0)


def test_heun_is_nearer_to_the_analytic_end_than_euler():
    exact = noise(7, 10) / math.e
    euler, heun = (run(lambda x, level, tags: x, ask(steps=60, scheduler=s))[0] for s in ("euler", "heun"))
    assert (heun - exact).abs().max() < 0.05 * (euler - exact).abs().max()


@pytest.mark.parametrize("scheduler", ["euler", "heun", "pingpong"])
def test_every_scheduler_arrives_at_a_single_point_of_data(scheduler):
    made, _ = run(lambda x, level, tags: (x - 0.7) / level, ask(scheduler=scheduler))
    assert torch.allclose(made, torch.full_like(made, 0.7), atol=1e-5)


# --- batches -------------------------------------------------------------------------------------------------------

MIXED = (
    {"guidance_type": "apg", "erg_lyric": True},
    {"guidance_type": "apg"},
    {"guidance_type": "cfg", "guidance": 4.0, "scheduler": "heun", "omega": -20.0},
    {"guidance_type": "cfg_star", "guidance": 4.0, "guidance_interval": 1.0, "scheduler": "pingpong"},
    {"guidance_text": 5.0, "guidance_lyric": 1.5, "erg_tag": False},
)


@pytest.mark.parametrize("options", MIXED)
def test_items_of_a_batch_equal_themselves_alone(transformer, options, monkeypatch):
    """Two of one length go together whatever their texts, one of them an instrumental; the third is longer."""
    asked = [tiny_request(s, f, t, n, **options) for s, f, t, n in ((1, 9, 3, 0), (2, 9, 7, 5), (3, 13, 2, 8))]
    sizes = []
    inner = loops._sample
    monkeypatch.setattr(loops, "_sample", lambda t, batch, *rest: sizes.append(len(batch)) or inner(t, batch, *rest))
    together = sample(transformer, asked, CPU)
    assert sizes == [2, 1]
    for request, made in zip(asked, together, strict=True):
        (alone,) = sample(transformer, [request], CPU)
        assert torch.allclose(made, alone, atol=1e-4 * alone.abs().max().item())
    assert not torch.allclose(together[0], together[1], atol=0.1)


def test_a_batch_is_cut_where_memory_would_be(monkeypatch):
    monkeypatch.setattr(loops, "FRAMES_AT_ONCE", 25)
    toy = Toy(still)
    made = sample(toy, [ask(seed=seed, steps=1) for seed in range(5)], CPU)
    assert toy.rows == [2, 2, 1]
    assert all(torch.equal(result, noise(seed, 10)) for seed, result in enumerate(made))


def test_different_options_share_no_batch():
    toy = Toy(still)
    sample(toy, [ask(steps=1), ask(steps=2), ask(steps=1)], CPU)
    assert toy.rows == [2, 1, 1]


def test_progress_rises_to_one():
    seen: list[float] = []
    target = ask(task="edit", source=torch.zeros(*SHAPE, 6), source_prompt=prompt(1), edit_end=0.5)
    sample(Toy(still), [ask(), ask(frames=4, scheduler="heun"), target], CPU, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 40


# --- tasks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def source() -> torch.Tensor:
    return torch.randn(*SHAPE, 10, generator=torch.Generator().manual_seed(99))


def swirl(x, level, tags):
    return torch.sin(3 * x) - x.mean(-1, keepdim=True)


def test_retake_turns_from_the_first_noise_to_the_second():
    angle = 0.3 * math.pi / 2
    made, _ = run(still, ask(task="retake", variance=0.3, retake_seed=8))
    assert torch.allclose(made, math.cos(angle) * noise(7, 10) + math.sin(angle) * noise(8, 10), atol=1e-6)
    assert torch.equal(run(swirl, ask(task="retake", variance=0.0))[0], run(swirl, ask())[0])


def test_retakes_of_two_seeds_differ_without_a_retake_seed():
    one, other = (run(still, ask(task="retake", variance=1.0, seed=seed))[0] for seed in (7, 8))
    assert not torch.allclose(one, other, atol=0.1)
    assert not torch.allclose(one, noise(7, 10), atol=0.1)


@pytest.mark.parametrize("scheduler", ["euler", "heun", "pingpong"])
def test_repaint_keeps_what_is_outside_its_span(source, scheduler):
    made, _ = run(swirl, ask(task="repaint", source=source, span=(3, 7), scheduler=scheduler, variance=0.6))
    assert torch.allclose(made[..., :3], source[..., :3], atol=1e-6)
    assert torch.allclose(made[..., 7:], source[..., 7:], atol=1e-6)
    assert (made[..., 3:7] - source[..., 3:7]).abs().mean(dim=(0, 1)).min() > 0.1


@pytest.mark.parametrize(("scheduler", "calls"), [("euler", [3, 12]), ("heun", [5, 23]), ("pingpong", [3, 12])])
def test_repaint_begins_where_its_variance_says(source, scheduler, calls):
    asked = [ask(task="repaint", source=source, span=(3, 7), variance=v, scheduler=scheduler) for v in (0.25, 1.0)]
    notes = [run(still, request)[1] for request in asked]
    assert [len(toy.rows) for toy in notes] == calls
    plain = run(still, ask())[1].levels
    assert [toy.levels[0] for toy in notes] == [plain[9], plain[0]]


def test_spans_in_one_call_stay_their_own(source):
    asked = [ask(task="repaint", source=source, span=span, variance=1.0) for span in ((0, 2), (5, 10))]
    for request, made in zip(asked, sample(Toy(swirl), asked, CPU), strict=True):
        assert torch.allclose(made, run(swirl, request)[0], atol=1e-6)


def test_repaint_without_variance_returns_the_source(source):
    made, toy = run(swirl, ask(task="repaint", source=source, span=(3, 7), variance=0.0))
    assert torch.equal(made, source)
    assert toy.rows == []


@pytest.mark.parametrize("span", [(-4, 10), (0, 15), (-2, 13)])
def test_extend_keeps_the_source_and_fills_both_ends(source, span):
    made, toy = run(swirl, ask(task="extend", source=source, span=span))
    left = -span[0]
    assert made.shape[-1] == span[1] - span[0]
    assert torch.allclose(made[..., left : left + 10], source, atol=1e-6)
    new = torch.cat([made[..., :left], made[..., left + 10 :]], dim=-1)
    assert new.std() > 0.1
    assert toy.levels[0] == 1.0


def test_edit_moves_along_the_difference_of_the_velocities(source):
    """With velocities that are the mean of the tags alone, the source moves by minus their difference."""
    old, new = prompt(1), prompt(2)
    asked = ask(task="edit", source=source, source_prompt=old, prompt=new)
    made, _ = run(lambda x, level, tags: tags.expand_as(x), asked)
    assert torch.allclose(made, source - (new.text.mean() - old.text.mean()), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 0}, "positive duration"),
        ({"task": "edit", "frames": 5}, "needs a source"),
        ({"source": torch.zeros(*SHAPE, 4)}, "takes no source"),
        ({"task": "repaint", "source": torch.zeros(*SHAPE, 4)}, "needs a span"),
        ({"task": "audio2audio", "source": torch.zeros(*SHAPE, 4), "span": (0, 2)}, "takes no span"),
        ({"task": "repaint", "source": torch.zeros(*SHAPE, 4), "span": (2, 5)}, "task: extend"),
        ({"task": "extend", "source": torch.zeros(*SHAPE, 4), "span": (1, 5)}, "task: repaint"),
        ({"task": "extend", "source": torch.zeros(*SHAPE, 4), "span": (-9, 4), "max_frames": 9}, "by less"),
        ({"task": "extend", "source": torch.zeros(*SHAPE, 4), "span": (-1, 5), "max_frames": 5}, "one end at a time"),
        ({"guidance_text": 5.0}, "only together"),
        ({"only_steps": (4, 2)}, "do not rise"),
        ({"task": "audio2audio", "source": torch.zeros(*SHAPE, 4), "only_steps": (1, 2)}, "only some steps"),
    ],
)
def test_what_cannot_be_made_is_refused(options, message):
    toy = Toy(still)
    with pytest.raises(TunesmithError, match=message):
        sample(toy, [ask(), ask(**options)], CPU)
    assert toy.rows == []


def test_omega_scales_a_step_around_its_mean():
    step = torch.randn(1, *SHAPE, 10, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(rescaled(step, 0.0), step, atol=1e-6)
    wide = rescaled(step, 100.0)
    assert wide.mean().item() == pytest.approx(step.mean().item(), abs=1e-6)
    assert (wide.std() / step.std()).item() == pytest.approx(1.1, abs=1e-3)
