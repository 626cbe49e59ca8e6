"""A recursive filter in matrix products, as fast as ``scipy.signal.sosfilt``, whose package takes a second to import.

Source: Burrus 1972, "Block Realization of Digital Filters". In a block of samples the output is a product with the
first values of the impulse response, and what the state before the block adds; the states of all blocks are the output
of such a filter again.
Shapes: N samples, S sections, P numbers of the state (two per section), L samples of a block, K blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

_BLOCK = 16
_PART = 2048 * _BLOCK
"""Samples that are worked on at once, which stay in a processor's cache."""


def filtered(samples: Array, sections: Array) -> Array:
    """Samples (N,) behind second-order sections (S, 6), as :mod:`scipy.signal` has them, in float64.

    Silence lies before the first sample.
    """
    block = _block_filter(tuple(map(tuple, sections.tolist())))
    found = np.empty(len(samples))
    state: Array = np.zeros((1, len(block.carried)))
    for first in range(0, len(samples), _PART):
        part = samples[first : first + _PART]
        padded = np.zeros((-(-len(part) // _BLOCK), _BLOCK))
        padded.reshape(-1)[: len(part)] = part
        states = _states(np.concatenate([state, padded @ block.into, np.zeros_like(state)]), block.carried)
        done = padded @ block.response
        done += states[1:-1] @ block.out
        found[first : first + len(part)] = done.reshape(-1)[: len(part)]
        state = states[-1:]
    return found


@dataclass(frozen=True)
class _BlockFilter:
    """Matrices of a block, which rows are multiplied with from the right.

    From its samples to what comes out (L, L) and to the state after it (L, P), from the state before it to what comes
    out (P, L) and to the state after it (P, P).
    """

    response: Array
    into: Array
    out: Array
    carried: Array


@lru_cache(maxsize=16)
def _block_filter(sections: tuple[tuple[float, ...], ...]) -> _BlockFilter:
    size = 2 * len(sections)
    given = np.eye(size + _BLOCK)  # every number of the state and every sample alone
    state: Array = given[:, :size]
    out = np.zeros((size + _BLOCK, _BLOCK))
    for place in range(_BLOCK):
        out[:, place], state = _step(sections, given[:, size + place], state)
    return _BlockFilter(out[size:], state[size:], out[:size], state[:size])


def _step(sections: tuple[tuple[float, ...], ...], value: Array, state: Array) -> tuple[Array, Array]:
    """One sample of the transposed direct form II, for many filters at once: what goes out, and the state after it."""
    after = []
    for place, (b0, b1, b2, a0, a1, a2) in enumerate(sections):
        first, second = state[:, 2 * place], state[:, 2 * place + 1]
        out = (b0 * value + first) / a0
        after += [b1 * value - a1 * out + second, b2 * value - a2 * out]
        value = out
    return value, np.stack(after, axis=1)


def _states(added: Array, carried: Array) -> Array:
    """States (K, P) before each block, of what each adds (K, P): after a block ``state @ carried + added``."""
    count, size = added.shape
    states = np.zeros((count, size))
    if count <= _BLOCK:
        for place in range(1, count):
            states[place] = states[place - 1] @ carried + added[place - 1]
        return states
    powers = np.empty((_BLOCK + 1, size, size))
    powers[0] = np.eye(size)
    for place in range(_BLOCK):
        powers[place + 1] = powers[place] @ carried
    within = np.zeros((_BLOCK, size, _BLOCK + 1, size))  # of what a block adds to the states after it
    for place in range(_BLOCK):
        within[place, :, place + 1 :] = powers[: _BLOCK - place].transpose(1, 0, 2)
    groups = -(-count // _BLOCK)
    padded = np.zeros((groups, _BLOCK * size))
    padded.reshape(-1)[: count * size] = added.reshape(-1)
    local = (padded @ within.reshape(_BLOCK * size, -1)).reshape(groups, _BLOCK + 1, size)
    before = _states(local[:, -1], powers[-1])
    spread = before @ powers[:-1].transpose(1, 0, 2).reshape(size, -1)
    found = local[:, :-1] + spread.reshape(groups, _BLOCK, size)
    return found.reshape(-1, size)[:count]
