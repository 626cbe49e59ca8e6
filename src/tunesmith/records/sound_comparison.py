"""What is heard over all outputs together, as it lies on disk."""

from __future__ import annotations

from typing import Literal

from tunesmith.records.record import Number, Part


class CopiedClip(Part):
    """An output that holds a stretch of a training clip.

    Attributes:
        prompt: Which prompt, counted from 0.
        clip: The training clip.
        score: How far they agree, 0 to 1.
        limit: What it was held against.
        at_s: Where it begins in the output.
        in_clip_s: Where it lies in the clip.
        by: What agrees: the share of the landmarks, or the correlation of the waveforms.
    """

    prompt: int
    clip: str
    score: float
    limit: float
    at_s: float
    in_clip_s: float
    by: Literal["landmarks", "waveform"] = "landmarks"


class SetDistance(Part):
    """A kernel distance of some clips to the user's own, beside that of the user's own among themselves.

    Attributes:
        value: The distance.
        null_mean: In the mean over draws among the user's own clips.
        null_spread: Their standard deviation.
        clips: How many clips.
        reference: How many of the user's own.
    """

    value: Number
    null_mean: Number
    null_spread: Number
    clips: int
    reference: int


class Variety(Part):
    """Mean distance between any two clips of a set: outputs of the base, of the adapter, and the user's own clips.

    ``high`` is the upper end of a 98 % interval of the adapter's, by drawing its outputs anew.
    """

    base: Number
    adapter: Number
    high: Number
    reference: Number


class NearestClips(Part):
    """How near outputs lie to clips that were trained on and to clips that were not: mean distances to the nearest.

    Attributes:
        outputs: How many outputs.
        pieces: How many of them count, for those that are alike count once; ``None`` without held-out clips, and in
            records of before.
        training: How many training clips.
        held_out: How many held-out clips.
        to_training: From the outputs to training clips.
        to_held_out: From the outputs to held-out clips.
        held_out_to_training: From the held-out clips to training clips.
        training_to_held_out: From the training clips to held-out clips.
        p_value: How often outputs lie as much nearer to training clips than held-out clips do when pieces and
            held-out recordings are exchanged; ``None`` where there are too few to tell.
        needed: How many held-out clips would tell; ``None`` where those that are there do, and with too few outputs.
    """

    outputs: int
    training: int
    held_out: int
    to_training: Number
    to_held_out: Number
    held_out_to_training: Number
    training_to_held_out: Number
    p_value: Number
    needed: int | None = None
    pieces: int | None = None


class AskedTempo(Part):
    """A tempo that a prompt names, and what was measured, in BPM; ``None`` where no beat is heard."""

    prompt: int
    asked: float
    base: Number
    adapter: Number


class SoundComparison(Part):
    """Copies, distances, variety and tempi.

    Attributes:
        training_clips: How many training clips the outputs were searched for.
        copies: What was found.
        base: Distance of the base's outputs to the user's clips.
        adapter: Of the adapter's.
        ears: The learned ears that told both distances beside plain statistics.
        variety: How various outputs and clips are.
        nearest: How near outputs lie to single clips; ``None`` in evaluations of before.
        tempi: What was asked and what is heard.
    """

    training_clips: int = 0
    copies: tuple[CopiedClip, ...] = ()
    base: SetDistance | None = None
    adapter: SetDistance | None = None
    ears: tuple[str, ...] = ()
    variety: Variety | None = None
    nearest: NearestClips | None = None
    tempi: tuple[AskedTempo, ...] = ()
