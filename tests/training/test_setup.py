"""Setting up a run: it goes to its own device, whatever a run before it in the same process was on."""

from __future__ import annotations

import pytest
from accelerate import PartialState
from accelerate.state import AcceleratorState

from tests.training.test_trainer import BASE
from tunesmith.training.setup import build_train_state


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
