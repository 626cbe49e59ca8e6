"""What a family encodes once per sample, as the cache knows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldSpec:
    """One cached, encoded thing per sample (codec tokens, latents, text states, a speaker vector).

    Attributes:
        name: Its name in the cache and in an encoded item.
        dtype: NumPy dtype it is stored in.
        time_axis: The axis that is cropped with the audio, or ``None`` when a crop leaves it alone.
        rate: Frames per second along ``time_axis``.
    """

    name: str
    dtype: str
    time_axis: int | None = None
    rate: float | None = None
