"""Where the default departs from upstream's sampler: one test per line of the table in the family's README."""

from __future__ import annotations

import pytest
import torch

from tests.families.ace_step.sampler.toy import CPU, SHAPE, Toy, ask, noise, prompt, run, still
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.sampler.guidance import Momentum, apg, cfg_star, decayed, window
from tunesmith.families.ace_step.sampler.sample import sample
from tunesmith.families.ace_step.sampler.schedule import shifted
from tunesmith.families.ace_step.sampler.step import PingPong, rescaled

GUIDED = {"guidance": 4.0, "guidance_type": "cfg", "guidance_interval": 1.0}


def by_tags(x, level, tags):
    return tags.expand_as(x)


def swirl(x, level, tags):
    return torch.sin(3 * x + tags) - x.mean(-1, keepdim=True)


@pytest.fixture
def source() -> torch.Tensor:
    return torch.randn(*SHAPE, 10, generator=torch.Generator().manual_seed(99))


def pair(seed: int) -> torch.Tensor:
    return torch.randn(2, *SHAPE, 10, generator=torch.Generator().manual_seed(seed))


# --- a, b, g: items never mix, in either mode -------------------------------------------------------------------------


def test_the_mean_that_omega_keeps_is_the_items_own():
    step = pair(1) + torch.tensor([0.0, 5.0]).view(2, 1, 1, 1)
    assert torch.allclose(rescaled(step, 50.0), torch.cat([rescaled(step[i : i + 1], 50.0) for i in range(2)]))


def test_guidance_of_two_items_never_mixes():
    cond, null, momentum = pair(1), pair(2), Momentum()
    apart = [Momentum(), Momentum()]
    for _ in range(2):
        together = apg(cond, null, 9.0, momentum)
        alone = [apg(cond[i : i + 1], null[i : i + 1], 9.0, apart[i]) for i in range(2)]
        assert torch.allclose(together, torch.cat(alone), atol=1e-6)
    stars = [cfg_star(cond[i : i + 1], null[i : i + 1], 4.0, 5) for i in range(2)]
    assert torch.allclose(cfg_star(cond, null, 4.0, 5), torch.cat(stars), atol=1e-6)


@pytest.mark.parametrize("compat", ["tunesmith", "upstream"])
def test_pingpong_noises_every_item_from_its_own_seed(compat):
    asked = [ask(seed=seed, scheduler="pingpong", compat=compat) for seed in (7, 8)]
    together = sample(Toy(still), asked, CPU)
    for request, made in zip(asked, together, strict=True):
        assert torch.equal(made, run(still, request)[0])


def test_pingpong_draws_nothing_for_its_last_step():
    drawn = []
    stepper = PingPong(torch.tensor([1.0, 0.5, 0.2, 0.0]), lambda: drawn.append(1) or torch.zeros(1))
    for call in range(stepper.calls):
        stepper.step(torch.ones(1, *SHAPE, 4), torch.zeros(1, *SHAPE, 4), call)
    assert len(drawn) == 2


# --- c: audio2audio ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.2, 0.5, 0.9])
def test_audio2audio_tells_the_model_the_level_that_its_latents_have(source, strength):
    _, toy = run(still, ask(task="audio2audio", source=source, strength=strength))
    level = shifted(1 - strength, 3.0)
    assert toy.levels[0] == pytest.approx(level)
    assert torch.allclose(toy.latents[0][0], (1 - level) * source + level * noise(7, 10), atol=1e-6)
    _, theirs = run(still, ask(task="audio2audio", source=source, strength=strength, compat="upstream"))
    assert torch.allclose(theirs.latents[0], toy.latents[0], atol=1e-6)
    assert theirs.levels[0] == pytest.approx(shifted(level, 3.0))


def test_audio2audio_keeps_all_or_nothing_at_its_ends(source):
    kept, toy = run(swirl, ask(task="audio2audio", source=source, strength=1.0))
    assert torch.equal(kept, source)
    assert toy.rows == []
    nothing, _ = run(swirl, ask(task="audio2audio", source=source, strength=0.0))
    assert torch.allclose(nothing, run(swirl, ask())[0], atol=1e-6)


# --- d: extend --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("span", "seen"), [((-4, 10), slice(0, 8)), ((0, 14), slice(2, 10))])
def test_extend_beyond_the_limit_samples_the_near_part_and_keeps_the_far_one(source, span, seen):
    made, toy = run(swirl, ask(task="extend", source=source, span=span, max_frames=12))
    assert {x.shape[-1] for x in toy.latents} == {12}
    left = -span[0]
    assert made.shape[-1] == 14
    assert torch.allclose(made[..., left : left + 10], source, atol=1e-6)
    at_end = toy.latents[-1][0, ..., left : left + 8]
    assert torch.allclose(at_end, source[..., seen], atol=0.05)
    with pytest.raises(TunesmithError, match="tunesmith"):
        run(swirl, ask(task="extend", source=source, span=span, max_frames=12, compat="upstream"))


def test_extend_by_more_than_the_source(source):
    made, _ = run(swirl, ask(task="extend", source=source, span=(-25, 10)))
    assert made.shape[-1] == 35
    with pytest.raises(TunesmithError, match="tunesmith"):
        run(swirl, ask(task="extend", source=source, span=(-25, 10), compat="upstream"))


@pytest.mark.parametrize(("compat", "calls"), [("tunesmith", 12), ("upstream", 3)])
def test_extend_begins_with_pure_noise_whatever_the_variance(source, compat, calls):
    _, toy = run(still, ask(task="extend", source=source, span=(0, 14), variance=0.25, compat=compat))
    assert len(toy.rows) == calls


# --- e: edit ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["heun", "pingpong"])
def test_edit_names_the_scheduler_that_it_needs(source, scheduler):
    with pytest.raises(TunesmithError, match="euler"):
        run(still, ask(task="edit", source=source, source_prompt=prompt(1), scheduler=scheduler))


@pytest.mark.parametrize(("compat", "moves"), [("tunesmith", False), ("upstream", True)])
def test_edit_to_the_same_prompt_changes_nothing(source, compat, moves):
    asked = ask(task="edit", source=source, source_prompt=prompt(), guidance=15.0, compat=compat)
    made, _ = run(swirl, asked)
    assert torch.allclose(made, source, atol=1e-5) is not moves


def test_edit_guides_as_asked(source):
    cfg, both = (
        run(by_tags, ask(task="edit", source=source, source_prompt=prompt(1), **GUIDED, compat=compat))[0]
        for compat in ("tunesmith", "upstream")
    )
    change = prompt(1).text.mean() - prompt(0).text.mean()
    assert torch.allclose(cfg, source + 4.0 * change, atol=1e-4)
    assert not torch.allclose(both, cfg, atol=1e-2)


# --- f: the null condition --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("compat", "shown"), [("tunesmith", 0.0), ("upstream", 3.0)])
def test_the_null_condition_masks_the_lyrics_as_training_does(compat, shown):
    _, toy = run(still, ask(**GUIDED, compat=compat))
    cond, null = toy.encoded
    assert cond["lyric_mask"].sum() == 3
    assert null["lyric_mask"].sum() == shown
    assert null["ids"].abs().sum() == null["text"].abs().sum() == 0


def test_weak_lyrics_stay_in_sight():
    _, toy = run(still, ask(**GUIDED, erg_lyric=True, erg_tag=True))
    cond, null = toy.encoded
    assert torch.equal(null["ids"], cond["ids"])
    assert null["lyric_mask"].sum() == 3
    assert (cond["scale"], null["scale"]) == (1.0, 0.01)


@pytest.mark.parametrize(("compat", "read"), [("tunesmith", True), ("upstream", False)])
def test_weak_tags_are_read_without_weak_lyrics(compat, read):
    asked = ask(**GUIDED, erg_tag=True, compat=compat)
    _, toy = run(still, asked)
    expected = asked.prompt.text_weak if read else torch.zeros_like(asked.prompt.text)
    assert torch.equal(toy.encoded[1]["text"][0], expected)


# --- guidance: what is computed, and when -----------------------------------------------------------------------------


def test_conditions_are_encoded_once_and_one_pass_holds_both_branches():
    _, toy = run(still, ask(guidance=4.0, guidance_interval=0.5, erg_diffusion=True))
    assert len(toy.encoded) == 2
    assert toy.rows == [1] * 3 + [2] * 6 + [1] * 3
    assert toy.query_scales[0] is None
    assert toy.query_scales[3].tolist() == pytest.approx([1.0, 0.01])


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_guidance_off_encodes_and_runs_no_null_condition(guidance):
    _, toy = run(still, ask(guidance=guidance))
    assert len(toy.encoded) == 1
    assert set(toy.rows) == {1}


@pytest.mark.parametrize(("compat", "first", "guided"), [("tunesmith", 6, 12), ("upstream", 3, 6)])
def test_heun_guides_the_middle_steps_and_both_calls_of_each(compat, first, guided):
    _, toy = run(still, ask(guidance=4.0, scheduler="heun", compat=compat))
    assert toy.rows == [1] * first + [2] * guided + [1] * (23 - first - guided)


@pytest.mark.parametrize(("compat", "rows"), [("tunesmith", {3}), ("upstream", {1})])
def test_separate_guidance_needs_no_guidance_besides(compat, rows):
    options = {"guidance": 1.0, "guidance_text": 5.0, "guidance_lyric": 1.5, "guidance_interval": 1.0}
    _, toy = run(still, ask(**options, compat=compat))
    assert set(toy.rows) == rows


def test_decay_over_a_single_guided_step_is_none():
    one = window(2, 0.5)
    assert [decayed(15.0, 3.0, 1.0, step, one) for step in one] == [15.0]
    whole = window(5, 1.0)
    assert [decayed(15.0, 3.0, 0.5, step, whole) for step in whole] == pytest.approx([15.0, 13.5, 12.0, 10.5, 9.0])
