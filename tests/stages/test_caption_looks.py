"""Clips under each other's captions on a tiny ACE-Step: a second look is taken only where the first leaves it open."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.golden_files import golden_path
from tests.training_runs import make_context, write_clips
from tunesmith.data.spread import PROBED
from tunesmith.stages.loss_meter import Meter, items_of
from tunesmith.stages.probes import measure_probes


@pytest.fixture
def meter(tmp_path):
    clips = write_clips(tmp_path / "clips", 3, rate=48000)
    context = make_context(golden_path("ace_step/tiny_checkpoint"), clips, tmp_path)
    return Meter(context, context.family.networks.load(), "cpu"), clips


def levels_of(meter: Meter, clip, caption) -> list[float]:
    """The loss at every noise level, the noisiest first, of a clip under another one's caption."""
    lent = replace(clip, texts={**clip.texts, "caption": caption.texts["caption"]})
    objective = meter.context.family.objective
    with torch.no_grad():
        terms = objective.loss(meter.networks, objective.collate(items_of(meter.context, [lent]), None), None)
    return [float(term.sum) / term.denominator for term in terms.values()]


def test_what_is_clear_at_first_is_not_looked_at_again(meter):
    meter, clips = meter
    asked = []
    found = meter.assigned(clips, lambda first: asked.append(first) or True)
    assert asked == [found.losses] and found.first == ()
    for i, j in ((0, 0), (0, 2), (2, 1)):
        assert found.losses[i][j] == pytest.approx(levels_of(meter, clips[i], clips[j])[1], rel=1e-5)


def test_what_is_open_is_judged_by_both_looks_and_the_first_is_kept(meter):
    meter, clips = meter
    found = meter.assigned(clips, lambda first: False)
    for i, j in ((0, 0), (0, 2), (2, 1)):
        noisiest, next_one = levels_of(meter, clips[i], clips[j])[:2]
        assert found.first[i][j] == pytest.approx(next_one, rel=1e-5)
        assert found.losses[i][j] == pytest.approx((noisiest + next_one) / 2, rel=1e-5)


def test_the_probes_keep_what_either_look_found(tmp_path, monkeypatch):
    clips = write_clips(tmp_path / "clips", 9, rate=48000)
    context = make_context(golden_path("ace_step/tiny_checkpoint"), clips, tmp_path)
    networks = context.family.networks.load()
    monkeypatch.setattr("tunesmith.stages.probes.are_answered", lambda *gains: False)
    for clear in (True, False):
        monkeypatch.setattr("tunesmith.stages.probes.is_clear", lambda losses, said=clear: said)
        probes = measure_probes(Meter(context, networks, "cpu"))
        assert len(probes.assigned) == PROBED and bool(probes.assigned_first) != clear
    assert probes.assigned_first != probes.assigned
