"""Setting up a run: it goes to its own device, whatever a run before it in the same process was on."""

from __future__ import annotations

import pytest
from accelerate import PartialState
from accelerate.state import AcceleratorState

from tests.training.test_trainer import BASE
from tunesmith.errors import TunesmithError
from tunesmith.families.registry import make_family
from tunesmith.recipe.load import load_text
from tunesmith.training.setup import build_train_state
from tunesmith.training.sharding import refuse_packed


@pytest.fixture
def run_on_another_device(monkeypatch):
    """What a run on a device that is not the CPU leaves behind."""
    AcceleratorState._reset_state(reset_partial_state=True)
    with monkeypatch.context() as patch:
        patch.setenv("ACCELERATE_TORCH_DEVICE", "meta")
        PartialState()
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def test_a_run_does_not_stay_on_the_device_of_the_one_before(make_run, run_on_another_device):
    assert PartialState().device.type == "meta"
    state = build_train_state(make_run(train=BASE))
    assert state.accelerator.device.type == "cpu"
    assert {p.device.type for network in state.networks.values() for p in network.parameters()} == {"cpu"}


def test_what_cannot_be_divided_is_refused_before_anything_is_loaded():
    refuse_packed(make_family("pocket/ace_step", None, {}))
    with pytest.raises(TunesmithError, match=r"(?s)packed weights.*base_weights=full"):
        refuse_packed(make_family("pocket/ace_step", None, {"base_weights": "int8"}))
    with pytest.raises(TunesmithError, match=r"shard_base does not go together with train\.compile"):
        load_text("name: a\ntrain: {shard_base: true, compile: regional}\n")


def test_one_process_holds_the_whole_base(make_run):
    assert build_train_state(make_run(train={**BASE, "shard_base": True})).shards is None
