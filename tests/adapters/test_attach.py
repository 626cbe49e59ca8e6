"""Targets of adapters that name nothing are refused, whatever PEFT would make of them."""

from __future__ import annotations

import pytest
from torch import nn

from tunesmith.adapters.attach import attach
from tunesmith.adapters.settings import AdapterDefaults, AdapterRecipe
from tunesmith.errors import TunesmithError


@pytest.mark.parametrize("target", ["", "q_prj", "blocks", "norm"])
def test_a_target_that_is_no_layer_is_refused(target: str) -> None:
    network = nn.ModuleDict({"blocks": nn.ModuleList([nn.Linear(4, 4)]), "norm": nn.LayerNorm(4)})
    recipe = AdapterRecipe(targets=(target,))
    with pytest.raises(TunesmithError, match=r"adapter\.targets"):
        attach({"net": network}, recipe, {"net": AdapterDefaults(("blocks.0",), 4, 4.0)}, 0)
