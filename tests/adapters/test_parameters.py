"""Parameters are known by network and name; files have both in one text."""

from __future__ import annotations

from torch import nn

from tunesmith.adapters.parameters import ParameterKey, trainable


def test_the_text_of_a_key_is_read_back_whatever_dots_its_name_has():
    key = ParameterKey("flow", "decoder.0.weight")
    assert str(key) == "flow.decoder.0.weight"
    assert ParameterKey.parse(str(key)) == key


def test_only_what_takes_gradients_is_trainable_network_by_network():
    one, two = nn.Sequential(nn.Linear(2, 2)), nn.Linear(2, 2, bias=False)
    one[0].bias.requires_grad_(False)
    found = trainable({"one": one, "two": two})
    assert list(found) == [("one", "0.weight"), ("two", "weight")]
    assert found["one", "0.weight"] is one[0].weight
