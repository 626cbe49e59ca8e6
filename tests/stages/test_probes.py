"""The loss probes on a tiny MusicGen that was trained for a few updates."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from peft.tuners.lora import LoraLayer

from tests.training.test_trainer import BASE
from tunesmith.adapters.change import weight_change
from tunesmith.adapters.scale import set_scale
from tunesmith.data.sample import read_manifest
from tunesmith.data.spread import PROBED
from tunesmith.run.adapted import adapter_folder, load_adapted
from tunesmith.stages.evaluate import measure_losses
from tunesmith.stages.loss_meter import Meter, batches_of, swapped
from tunesmith.stages.probes import measure_probes
from tunesmith.training.setup import clips_of
from tunesmith.training.trainer import train
from tunesmith.training.validation import fixed_batches, fixed_items, measure_networks


@pytest.fixture
def trained(make_run):
    context = make_run(train={**BASE, "updates": 4, "learning_rate": 0.01})
    train(context)
    return context, load_adapted(context.family, adapter_folder(context), "cpu")


def loss_of(context, networks, samples, scale):
    set_scale(networks, scale)
    batches = fixed_batches(context.family, fixed_items(clips_of(context, samples)), 2)
    return measure_networks(context.family, networks, batches, "cpu").loss


def test_probes_are_losses_of_clips_captions_and_strengths(trained):
    context, networks = trained
    probes = measure_probes(Meter(context, networks, "cpu"))
    mine = [sample for sample in read_manifest(context.folder.manifest) if sample.split == "train"]
    assert probes.clips == min(PROBED, len(mine))
    if len(mine) <= PROBED:
        assert probes.train.base == pytest.approx(loss_of(context, networks, mine, 0.0), rel=1e-5)
        assert probes.train.adapter == pytest.approx(loss_of(context, networks, mine, 1.0), rel=1e-5)
    at = {one.scale: one.loss for one in probes.scales}
    assert (at[0.0], at[1.0]) == pytest.approx((probes.held_out.base, probes.held_out.adapter), rel=1e-5)
    assert set(at) >= {0.5, 1.5}
    assert probes.swapped.base != probes.train.base, "a random model hardly listens to captions, and still"


def test_every_clip_gains_by_its_own_caption_and_silence_is_what_is_behind_the_sound(trained):
    context, networks = trained
    probes = measure_probes(Meter(context, networks, "cpu"))
    mine = [sample for sample in read_manifest(context.folder.manifest) if sample.split == "train"][:PROBED]
    assert len(probes.gains.base) == len(probes.gains.adapter) == len(mine)
    one, lent = mine[0], swapped(context, mine)[0]
    own, other = (loss_of(context, networks, [sample], 1.0) for sample in (one, lent))
    assert probes.gains.adapter[0] == pytest.approx(other - own, abs=1e-4)
    assert 0 < probes.silence.base < 20 and probes.silence.base != probes.silence.adapter
    assert not probes.base_style, "no prompts were given"


def test_the_base_hears_every_clip_under_the_caption_of_each(trained):
    context, networks = trained
    samples = list(read_manifest(context.folder.manifest))[:3]
    meter = Meter(context, networks, "cpu")
    found = meter.assigned(samples, lambda first: False)
    losses = found.losses
    assert found.first == (), "MusicGen measures all in one look"
    assert [len(row) for row in losses] == [3, 3, 3]
    for i, j in ((0, 0), (0, 1), (2, 1)):
        texts = {**samples[i].texts, "caption": samples[j].texts["caption"]}
        assert losses[i][j] == pytest.approx(loss_of(context, networks, [replace(samples[i], texts=texts)], 0.0))
    assert len(measure_probes(Meter(context, networks, "cpu")).assigned) == min(
        PROBED, len({s.texts["caption"] for s in read_manifest(context.folder.manifest)})
    )


def test_clips_are_heard_under_every_caption_only_where_the_gains_leave_it_open(trained, monkeypatch):
    context, networks = trained
    for answered in (True, False):
        monkeypatch.setattr("tunesmith.stages.probes.are_answered", lambda *gains, said=answered: said)
        assert (measure_probes(Meter(context, networks, "cpu")).assigned == ()) == answered


def test_too_few_captions_tell_nothing_and_are_not_measured(trained, monkeypatch):
    context, networks = trained
    monkeypatch.setattr("tunesmith.stages.probes.FEWEST_CAPTIONS", PROBED + 1)
    assert measure_probes(Meter(context, networks, "cpu")).assigned == ()


def test_a_quarter_of_the_strength_is_measured_where_half_is_better_than_all_of_it(trained):
    context, networks = trained
    samples = [sample for sample in read_manifest(context.folder.manifest) if sample.split == "valid"]
    for times, weaker_is_better in ((0.1, False), (200.0, True)):
        for module in (m for network in networks.values() for m in network.modules() if isinstance(m, LoraLayer)):
            module.lora_B["default"].weight.data *= times
        at = {one.scale: one.loss for one in measure_probes(Meter(context, networks, "cpu")).scales}
        assert (at[0.5] < at[1.0]) == weaker_is_better == (0.25 in at)
    assert at[0.25] == pytest.approx(loss_of(context, networks, samples, 0.25), rel=1e-5)


def test_a_quarter_is_measured_in_the_bases_own_style_where_half_of_the_rise_lies_under_half(trained):
    context, networks = trained
    style = batches_of(context, list(read_manifest(context.folder.manifest))[:2])
    assert {one.scale for one in measure_probes(Meter(context, networks, "cpu"), style, (1.0, 1e6)).base_style} == {
        0,
        0.5,
        1,
    }
    lower = measure_probes(Meter(context, networks, "cpu"), style, (1.0, 1.1)).base_style
    assert [one.scale for one in lower] == [0, 0.25, 0.5, 1]


def test_held_out_clips_are_measured_once_for_their_loss_and_for_the_probes(trained, monkeypatch):
    context, networks = trained
    held_out = [sample for sample in read_manifest(context.folder.manifest) if sample.split == "valid"]
    monkeypatch.setattr("tunesmith.stages.evaluate.spread", lambda samples: samples[:1])
    meter = Meter(context, networks, "cpu")
    losses = measure_losses(meter)
    assert losses.clips == len(held_out) > 1, "one passes alone, the others in a batch"
    assert losses.base.loss == pytest.approx(loss_of(context, networks, held_out, 0.0), rel=1e-5)
    assert losses.adapter.loss == pytest.approx(loss_of(context, networks, held_out, 1.0), rel=1e-5)
    asked, measure = [], Meter._of_each
    monkeypatch.setattr(
        Meter, "_of_each", lambda meter, items, **look: asked.append(len(items)) or measure(meter, items)
    )
    once = meter.captioned(held_out, lending=False)
    assert asked == [len(held_out) - 1] * 2, "what is known is not measured again"
    assert once.own == Meter(context, networks, "cpu").captioned(held_out, lending=False).own
    held_first = replace(held_out[0], texts={"caption": "another one"})
    assert meter.sums(swapped(context, [held_first, held_out[1]]))[0] != meter.sums(held_out)[0]


def test_every_clip_lends_the_caption_of_another_one(make_run):
    context = make_run()
    samples = list(read_manifest(context.folder.manifest))
    lent = swapped(context, samples)
    assert [s.id for s in lent] == [s.id for s in samples]
    assert all(a.texts["caption"] != b.texts["caption"] for a, b in zip(lent, samples, strict=True))
    assert {s.texts["caption"] for s in lent} <= {s.texts["caption"] for s in samples}
    assert swapped(context, [replace(s, texts={"caption": "one"}) for s in samples]) == []


def test_the_change_of_the_weights_is_that_of_the_whole_update(trained):
    _, networks = trained
    set_scale(networks, 1.0)
    found = []
    for network in networks.values():
        for module in network.modules():
            if isinstance(module, LoraLayer):
                delta = module.get_delta_weight("default").detach()
                found.append(float(delta.norm() / module.get_base_layer().weight.norm()))
    change = weight_change(networks)
    assert change.layers == len(found) and change.largest == pytest.approx(max(found), rel=1e-4)
    assert change.median == pytest.approx(float(torch.tensor(found).median()), rel=0.5) and change.median > 0
    for module in (m for network in networks.values() for m in network.modules() if isinstance(m, LoraLayer)):
        weight = module.get_base_layer().weight
        module.get_base_layer().weight = torch.nn.Parameter(weight.to(torch.int8), requires_grad=False)
    assert weight_change(networks) is None, "packed weights have no norm of their own"
