"""The small language of the pocket model: sentences of 51 words, drawn at random, and what may replace a word."""

from __future__ import annotations

import hashlib

import numpy as np

COUNTS = ("two", "three", "five", "seven", "nine", "some", "many", "these", "my", "all")
LOOKS = ("red", "green", "blue", "white", "golden", "small", "old", "happy", "quiet", "young", "wild")
THINGS = ("foxes", "boats", "birds", "houses", "trains", "children", "flowers", "horses", "rivers", "teachers")
DOINGS = ("run", "sleep", "wait", "sing", "move", "dance", "travel", "shine", "fall", "grow")
MANNERS = ("tonight", "slowly", "outside", "together", "again", "tomorrow", "quickly", "upstairs", "alone", "forever")
CLASSES = (COUNTS, LOOKS, THINGS, DOINGS, MANNERS)
WORDS = tuple(word for words in CLASSES for word in words)
_PRESENT = (0.55, 0.55, 1.0, 1.0, 0.7)
_IN_ANY_ORDER = 0.15
_HELD_OUT = 16


def draw_sentence(rng: np.random.Generator, held_out: bool = False) -> str:
    """A sentence of 2 to 5 words; one in seven is words in no order.

    Args:
        rng: Draws it.
        held_out: Ask for one of the sixteenth of all sentences that no training sees; those are in the usual order.
    """
    while True:
        if not held_out and rng.random() < _IN_ANY_ORDER:
            words = [str(word) for word in rng.choice(WORDS, size=int(rng.integers(1, 5)), replace=False)]
        else:
            kinds = [kind for kind, present in zip(CLASSES, _PRESENT, strict=True) if rng.random() < present]
            words = [str(rng.choice(kind)) for kind in kinds]
        if is_held_out(words) == held_out:
            return " ".join(words)


def is_held_out(words: list[str]) -> bool:
    """Whether a sentence is kept from every training: by its hash, and only from three words on."""
    return len(words) > 2 and hashlib.sha256(" ".join(words).encode()).digest()[0] % _HELD_OUT == 0


def one_word_different(text: str, count: int, rng: np.random.Generator) -> list[str]:
    """``count`` sentences that differ from ``text`` in one word, by another of its class."""
    words = text.split()
    others = [
        " ".join([*words[:index], other, *words[index + 1 :]])
        for index, word in enumerate(words)
        for kind in CLASSES
        if word in kind
        for other in kind
        if other != word
    ]
    return [str(other) for other in rng.choice(others, size=count, replace=False)]
