"""Values of a recipe that are known to hurt."""

from __future__ import annotations

from tunesmith.pocket.shipped import is_pocket_model
from tunesmith.recipe.models import Recipe
from tunesmith.texts import Message, msg

HARMFUL_RATE = 2e-4
"""Above it, adapters of released checkpoints made the base forget other styles; a pocket model has little to forget."""
LEARNING_RATE = "train.learning_rate"


def rate_advice(recipe: Recipe, setting: str = LEARNING_RATE) -> list[Message]:
    """What to say of learning rates that make a base model forget; nothing of weights that train without an adapter.

    Args:
        recipe: The run's.
        setting: What the person calls ``train.learning_rate``.
    """
    if is_pocket_model(recipe.model.path):
        return []
    adapter, rates = recipe.adapter, {}
    own = {name: network for name, network in adapter.networks.items() if network.learning_rate is not None}
    if adapter.kind != "full":
        rates[setting] = recipe.train.learning_rate
    for name, network in own.items():
        if (network.kind or adapter.kind) != "full":
            rates[f"adapter.networks.{name}.learning_rate"] = network.learning_rate or 0.0
    return [
        msg(
            "{setting} {rate:g}: on real checkpoints rates above {limit:g} made the base forget other styles; 1e-4 is "
            "better",
            setting=setting,
            rate=rate,
            limit=HARMFUL_RATE,
        )
        for setting, rate in rates.items()
        if rate > HARMFUL_RATE
    ]
