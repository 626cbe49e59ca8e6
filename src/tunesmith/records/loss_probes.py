"""What cheap forward passes say of an adapter: losses that tell causes apart, as they lie on disk."""

from __future__ import annotations

from tunesmith.records.record import Number, Part


class ProbePair(Part):
    """A loss of the base and of the adapter on the same batches."""

    base: Number
    adapter: Number


class ScaleLoss(Part):
    """The loss at one strength of the adapter; 0 is the base model, 1 as it was trained."""

    scale: float
    loss: Number


class WeightChange(Part):
    """How far an adapter moves the weights of its layers: ‖ΔW‖ / ‖W‖ in the Frobenius norm, at scale 1.

    Attributes:
        median: Over all layers.
        largest: Of the layer that moves most.
        layer: That layer's name.
        layers: How many there are.
    """

    median: float
    largest: float
    layer: str
    layers: int


class ClipLoss(Part):
    """The loss of one clip with the base model and with the adapter."""

    clip: str
    base: Number
    adapter: Number


class CaptionGains(Part):
    """What a caption of its own is worth to each clip: its loss under another one less that under its own.

    Attributes:
        base: With the base model, clip by clip.
        adapter: With the adapter, the same clips in the same order.
    """

    base: tuple[Number, ...]
    adapter: tuple[Number, ...]

    def means(self) -> tuple[float, float] | None:
        """The mean gain of base and adapter over clips of which both are numbers; ``None`` without any."""
        both = [(b, a) for b, a in zip(self.base, self.adapter, strict=True) if b is not None and a is not None]
        return (sum(b for b, _ in both) / len(both), sum(a for _, a in both) / len(both)) if both else None


class LossProbes(Part):
    """Losses on fixed draws, beside the held-out and base-style ones.

    Attributes:
        clips: How many training clips ``train`` and ``swapped`` stand on.
        train: On clips that were trained on.
        swapped: On the same clips, each under the caption of another one; ``None`` where all have the same.
        held_out_clips: How many held-out clips the next two stand on.
        held_out: On held-out clips.
        held_out_swapped: On the same clips, each under the caption of another one.
        scales: Held-out loss (of training clips where nothing is held out) by the adapter's strength: 0, ½, 1, 1½; and
            ¼ where ½ is better than 1.
        gains: What their own captions are worth to the training clips; files of before have none.
        held_out_gains: The same of the held-out clips.
        assigned: The base's loss of some clips of different captions under the caption of each: row by row a clip, its
            own caption on the diagonal; empty as well where the gains alone say that the captions fit, or there are too
            few captions to tell.
        assigned_first: The same by what was measured first, where that left open whether the captions fit and the rest
            was measured too; likewise.
        silence: Loss on silence that follows the sound of training clips, under their captions; likewise.
        each_held_out: Every held-out clip alone, by which runs are compared; likewise.
        base_style: Loss on prompts in the base's own style, by the adapter's strength: 0, ½ and 1, and ¼ where half of
            the rise lies under ½; likewise.
        change: How far the weights move; ``None`` where they are trained in full or packed (int8, NF4).
    """

    clips: int
    train: ProbePair | None
    swapped: ProbePair | None
    held_out_clips: int
    held_out: ProbePair | None
    held_out_swapped: ProbePair | None
    scales: tuple[ScaleLoss, ...]
    gains: CaptionGains | None = None
    held_out_gains: CaptionGains | None = None
    assigned: tuple[tuple[Number, ...], ...] = ()
    assigned_first: tuple[tuple[Number, ...], ...] = ()
    silence: ProbePair | None = None
    base_style: tuple[ScaleLoss, ...] = ()
    each_held_out: tuple[ClipLoss, ...] = ()
    change: WeightChange | None
