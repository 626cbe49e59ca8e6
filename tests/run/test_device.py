"""A device that is not there is refused before anything loads."""

from __future__ import annotations

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.run.device import pick_device


@pytest.mark.parametrize("wanted", ["toaster", "", "cpu:1", "cpu:x", "meta", "cuda:99", "mps:4"])
def test_a_device_that_is_not_here(wanted: str) -> None:
    with pytest.raises(TunesmithError, match=r"model.device: there is no (CUDA )?device"):
        pick_device(wanted)


def test_the_devices_that_are_here() -> None:
    assert pick_device("cpu") == pick_device("cpu:0").partition(":")[0] == "cpu"
    assert pick_device("auto") in ("cpu", "cuda", "mps")
