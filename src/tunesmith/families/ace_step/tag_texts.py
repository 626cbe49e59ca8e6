"""What the text encoder reads: built here for training and for generation alike.

A caption is a list of tags (what parts them: :mod:`tunesmith.data.tags`), or a sentence. Upstream's trainer shuffles
the tags at every step and picks at random among them and the clip's ``recaption`` texts; here the orders are encoded
once, and drawn per epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.item_rng import key_of
from tunesmith.data.tags import join_tags, split_tags

NOTHING = "music"
"""What stands for an empty caption, as upstream has it."""


def prompt_text(caption: str) -> str:
    """The prompt of a caption in its own order."""
    return join_tags(split_tags(caption)) or NOTHING


def tag_orders(caption: str, count: int) -> list[str]:
    """The caption's own order and up to ``count - 1`` shuffled ones, without repeats; the same for equal captions."""
    tags = split_tags(caption)
    orders = [prompt_text(caption)]
    generator = np.random.Generator(np.random.Philox(key=key_of("tag_orders", *tags)))
    for _ in range(4 * count):  # few tags have few orders, and some draws repeat
        if len(orders) >= count or len(tags) < 2:
            break
        shuffled = join_tags(tags[i] for i in generator.permutation(len(tags)))
        if shuffled not in orders:
            orders.append(shuffled)
    return orders


def recaptions(attributes: Mapping[str, Any]) -> list[str]:
    """The non-empty texts of a clip's ``recaption`` attribute, by key so that the order is stable."""
    found = attributes.get("recaption")
    if not isinstance(found, Mapping):
        return []
    return [text.strip() for _, text in sorted(found.items()) if isinstance(text, str) and text.strip()]


def variant(orders: int, recaption_count: int, generator: np.random.Generator) -> int:
    """Which text an item is trained with: uniform among tags and each recaption, then among the orders of the tags."""
    choice = int(generator.integers(0, recaption_count + 1))
    return orders + choice - 1 if choice else int(generator.integers(0, orders))


def all_texts(caption: str, attributes: Mapping[str, Any], orders: int) -> tuple[Sequence[str], int]:
    """Every text that is encoded for a clip, tag orders first, and how many of them are tag orders."""
    shuffled = tag_orders(caption, orders)
    return [*shuffled, *recaptions(attributes)], len(shuffled)
