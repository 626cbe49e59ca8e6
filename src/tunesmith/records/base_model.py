"""``base_model.json``: what the stages need to know of a run's base model, so that it need not be opened for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from tunesmith.records.record import Record


@dataclass(frozen=True)
class PhaseSpec:
    """One training stage: which networks train, for which share of the updates, at which learning-rate factor.

    The recipe's ``train.stages`` may give it a length and a factor of its own, by its name.
    """

    name: str
    networks: tuple[str, ...]
    share: float = 1.0
    lr_factor: float = 1.0


@dataclass(frozen=True)
class TransformerShape:
    """Facts of a trained network that planning would otherwise estimate from its number of parameters.

    Attributes:
        layers: Repeated blocks.
        width: Width of the hidden states.
        adapter_widths: Inputs plus outputs of every default adapter target: parameters per rank.
        saved_bytes: Saved for the backward pass per position, layer and unit of width in half precision.
        parameters: What a forward pass multiplies every position with.
        network: Its name, where a family has several.
        full_parameters: What trains instead of an adapter where its kind is ``full``.
        positions: What it computes per frame of a clip: 1, and more where a prompt or a text is read as well.
        head_bytes: What the output layer and its gradient take per frame, where that is worth counting.
    """

    layers: int
    width: int
    adapter_widths: int
    saved_bytes: float
    parameters: int
    network: str = ""
    full_parameters: int = 0
    positions: float = 1.0
    head_bytes: float = 0.0


@dataclass(frozen=True)
class ModelCard:
    """What there is to know of a base model without loading its weights.

    Attributes:
        family: The family's name.
        path: Where the model is.
        licence: Its weights' licence.
        sample_rate: Of the audio, Hz.
        channels: Of the audio.
        frame_rate: Frames per second of the first timed field.
        max_seconds: What the model was made for.
        parameters: Of everything in it.
        trained_parameters: Of the networks that can train, frozen parts of them included.
        idle_parameters: So many of them are not in memory while this run trains.
        weights_bytes: Of its files.
        notes: What a user should know of this card.
        shapes: The networks that train; empty for decoders like MusicGen's, whose shape follows from their size.
        stages: The stages of a family that has several.
        packed_parameters: So many of the trained networks' are kept in ``packed_bytes``, whatever the precision.
        packed_bytes: See there.
        frame_bytes: Cached per frame; MusicGen's eight codebooks of 16 bits.
        text_bytes: Cached per clip for its texts; a caption of 24 tokens in 768 fp32 numbers each.
        inversion_seconds: CPU-seconds per second of audio where sound is made from a spectrogram without a network.
        passes: Passes over a whole clip that generate it, guidance counted; 0 where it is made frame by frame.
    """

    family: str
    path: str
    licence: str
    sample_rate: int
    channels: int
    frame_rate: float
    max_seconds: float
    parameters: int
    trained_parameters: int
    weights_bytes: int
    notes: tuple[str, ...] = ()
    shapes: tuple[TransformerShape, ...] = ()
    stages: tuple[PhaseSpec, ...] = ()
    packed_parameters: int = 0
    packed_bytes: int = 0
    frame_bytes: int = 16
    text_bytes: int = 80_000
    passes: float = 0.0
    inversion_seconds: float = 0.0
    idle_parameters: int = 0


class BaseModelRecord(Record):
    """What a run knows of its base model, and of which model that is.

    Attributes:
        path: As the recipe names it.
        family: Its family.
        revision: Of a Hub repository.
        options: The family's options as the recipe gives them; some of the facts depend on them.
        state: Key of name, size and time of every file of a local model; empty of one on the Hub.
        version: Of Tunesmith, which another one need not agree with.
        card: The facts; ``None`` where they cannot be known without a download.
        fields: NumPy dtype of everything that is encoded, by name; empty where the model is not on this machine.
    """

    path: str
    family: str
    revision: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    state: str = ""
    version: str = ""
    card: ModelCard | None = None
    fields: dict[str, str] = Field(default_factory=dict)
