"""One update of training on a pretended GPU: the computer waits for the loss and the gradients' norm, once each."""

from __future__ import annotations

from tests.devices.pretend import PretendedGpu, is_on_gpu
from tests.training.test_trainer import BASE
from tunesmith.training.loop import train_update
from tunesmith.training.setup import build_train_state
from tunesmith.training.state import TrainState, to_device

NEEDED = {"tolist in loss_terms.py:sums": 1, "__float__ in loop.py:clip_gradients": 1}


def test_an_update_waits_for_its_loss_and_its_norm(make_run, monkeypatch):
    state = build_train_state(make_run(train=BASE))
    monkeypatch.setattr(TrainState, "to_device", lambda self, batch: to_device(batch, "cuda"))
    with PretendedGpu() as gpu:
        for network in state.networks.values():
            network.to("cuda")
        assert all(is_on_gpu(parameter) for parameter in state.parameters.values())
        train_update(state)
        first = own(gpu.waits)
        state.progress.update += 1
        gpu.waits.clear()
        result = train_update(state)
    assert result.stepped and result.grad_norm > 0
    assert first == own(gpu.waits) == NEEDED


def own(waits: dict[str, int]) -> dict[str, int]:
    """Without accelerate's, which is on the CPU here and takes the norm there."""
    return {name: count for name, count in waits.items() if " in accelerator.py:" not in name}
