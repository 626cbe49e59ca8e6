"""Music from numpy alone, so that the pocket models, the examples and the tests need no outside audio."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tunesmith.data.item_rng import key_of
from tunesmith.errors import TunesmithError
from tunesmith.pocket.synth import base, trap
from tunesmith.pocket.synth.score import Rendered, Score
from tunesmith.texts import msg

__all__ = ["BASE_STYLES", "EXAMPLE_STYLE", "Rendered", "render"]

EXAMPLE_STYLE = "trap808"
_BASE: dict[str, Callable[[float, int, np.random.Generator], tuple[Score, str, str]]] = {
    "house": base.house,
    "ambient": base.ambient,
    "keys": base.keys,
    "breaks": base.breaks,
    "chiptune": base.chiptune,
    "dub": base.dub,
}
BASE_STYLES: tuple[str, ...] = tuple(_BASE)
_STYLES = {**_BASE, EXAMPLE_STYLE: trap.trap808}


def render(style: str, seconds: float, seed: int, sample_rate: int = 32000) -> Rendered:
    """A clip of ``style``; the same arguments give the same samples, another seed another piece.

    Raises:
        TunesmithError: for an unknown style, or a length that is not positive.
    """
    if style not in _STYLES:
        raise TunesmithError(
            msg("there is no synthesiser style {style!r}", style=style),
            remedy=msg("Choose one of: {styles}.", styles=tuple(_STYLES)),
        )
    if seconds <= 0:
        raise TunesmithError(
            msg("a clip of {seconds} s cannot be rendered", seconds=seconds), remedy=msg("Give a length above zero.")
        )
    rng = np.random.Generator(np.random.Philox(key=key_of("synth", style, seed)))
    score, caption, key = _STYLES[style](seconds, sample_rate, rng)
    audio = score.finish(drive=float(rng.choice([1.0, 1.3])), peak=0.9)
    return Rendered(audio, caption, score.bpm, key, style, sample_rate)
