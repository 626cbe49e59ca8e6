"""How much a run has to compute, whatever computes it: updates, held-out measurements, and audio to generate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.families.contract.card import ModelCard, PhaseSpec, TransformerShape
from tunesmith.planning.clips import PlannedClips
from tunesmith.recipe.decided import type_of
from tunesmith.recipe.models import Recipe
from tunesmith.training.phases import Phase, plan_phases
from tunesmith.training.schedule import clips_per_update

ASPECT = 40  # width / depth of transformer decoders: 43, 32 and 43 for MusicGen small, medium and large
BLOCK = 16  # parameters of a block over width squared: two attentions (8) and a feed-forward four times as wide (8)
SAVED_BYTES = 41.4  # saved for backward per token, layer and unit of width in half precision (1.02 MB per token, small)
LORA_WIDTHS = 26  # q, k, v, out of two attentions (8 x 2 widths), fc1 and fc2 (2 x 5 widths): parameters / rank / width
FORWARDS, FORWARDS_RECOMPUTED = 2.05, 3.05  # a step over a forward: frozen weights need no gradient of their own
FULL_GRADIENT = 1.0  # and what trains itself does need one
BASE_STYLE_SECONDS = 10.0  # the base model's own outputs are no longer, however long previews are


@dataclass(frozen=True)
class Network:
    """A network that trains, and in how many updates."""

    shape: TransformerShape
    updates: int


@dataclass(frozen=True)
class GeneratedAudio:
    """Audio that is generated.

    Attributes:
        clips: How many clips.
        seconds: Length of each.
        at_once: How many of them are generated together.
        times: How often the whole is done: rounds, or sides.
    """

    clips: int
    seconds: float
    at_once: int
    times: int = 1

    @property
    def total(self) -> float:
        """Seconds of audio in all."""
        return self.times * self.clips * self.seconds

    @property
    def in_a_row(self) -> float:
        """Seconds of audio that are made one after the other."""
        return self.times * math.ceil(self.clips / max(1, self.at_once)) * self.seconds


@dataclass(frozen=True)
class Work:
    """What there is to compute for a run."""

    recipe: Recipe
    card: ModelCard
    clips: PlannedClips
    stages: tuple[Phase, ...]
    processes: int

    @property
    def whole(self) -> bool:
        """Whether clips are trained on whole, as speech is."""
        kind = type_of(self.recipe)
        return kind is not None and kind.is_speech

    @property
    def updates(self) -> int:
        """Of all stages."""
        return sum(stage.updates for stage in self.stages)

    @property
    def networks(self) -> tuple[Network, ...]:
        """What trains."""
        shapes = self.card.shapes or (estimated_shape(self.card.trained_parameters),)
        named = any(shape.network for shape in shapes)
        return tuple(
            Network(shape, sum(s.updates for s in self.stages if not named or shape.network in s.networks))
            for shape in shapes
        )

    @property
    def layers(self) -> int:
        """Of all networks one after the other."""
        return sum(network.shape.layers for network in self.networks)

    @property
    def layer_steps(self) -> float:
        """How often a layer is stepped through: forward and backward, and a third of that for a measurement."""
        train = self.recipe.train
        measured = math.ceil(len(self.clips.valid) / train.batch_size)
        return sum(
            network.shape.layers * (train.accumulation * network.updates + self.measurements(network) * measured / 3)
            for network in self.networks
        )

    def measurements(self, network: Network) -> int:
        """How often the held-out clips are measured while a network trains."""
        return network.updates // self.recipe.train.valid_every + 1 if self.clips.valid else 0

    @property
    def training_flops(self) -> float:
        """Of one process."""
        return sum(self._flops(network) for network in self.networks)

    def _flops(self, network: Network) -> float:
        train, shape, data = self.recipe.train, network.shape, self.recipe.data
        second = 2 * shape.parameters * shape.positions * self.card.frame_rate
        factor = FORWARDS_RECOMPUTED if train.gradient_checkpointing else FORWARDS
        factor += FULL_GRADIENT if self.recipe.adapter.of(shape.network).kind == "full" else 0.0
        trained = self.clips.mean(data, whole=self.whole) * network.updates * clips_per_update(train)
        held_out = self.clips.held_out(data, whole=self.whole) * self.measurements(network)
        return second * (factor * trained + held_out)

    @property
    def preview_rounds(self) -> int:
        """Rounds of previews as they are scheduled: before the first update, every so many, after the last."""
        every = self.recipe.previews.every
        return 1 + math.ceil(self.updates / every) if every else 0

    def previews(self, rounds: int) -> GeneratedAudio:
        """So many rounds of previews."""
        recipe = self.recipe.previews
        count = len(recipe.prompts) or recipe.count
        return GeneratedAudio(count, recipe.seconds, count, rounds)

    @property
    def audio(self) -> Mapping[str, GeneratedAudio]:
        """What is generated beside previews, by part of the plan."""
        generate, evaluate = self.recipe.generate, self.recipe.evaluate
        style = 0 if evaluate.prompts else evaluate.forgetting_prompts
        own = min(self.recipe.previews.seconds, BASE_STYLE_SECONDS)
        own_prompts = len(evaluate.prompts) or evaluate.count
        prompts = own_prompts + style
        return {
            "base style": GeneratedAudio(evaluate.forgetting_prompts, own, max(1, evaluate.forgetting_prompts)),
            "generate": GeneratedAudio(len(generate.prompts) or generate.count, generate.seconds, generate.batch_size),
            "evaluate": GeneratedAudio(prompts, evaluate.seconds, generate.batch_size, 2 if evaluate.compare else 1),
            "strengths": GeneratedAudio(
                min(own_prompts, evaluate.strength_prompts), evaluate.seconds, generate.batch_size, 2
            ),
        }


def work_of(
    recipe: Recipe,
    card: ModelCard,
    clips: PlannedClips,
    processes: int = 1,
    phases: tuple[PhaseSpec, ...] | None = None,
) -> Work:
    """What there is to compute.

    Args:
        recipe: The recipe.
        card: The base model's card.
        clips: The clips of the run.
        processes: How many share an update.
        phases: The family's training stages; by default those of the card.
    """
    specs = phases or card.stages or (PhaseSpec("train", tuple(shape.network for shape in card.shapes) or ("",)),)
    return Work(recipe, card, clips, plan_phases(specs, recipe.train, clips.per_pass, processes), processes)


def estimated_shape(parameters: int) -> TransformerShape:
    """Depth and width that a decoder of so many parameters has (within 6 % for MusicGen's three)."""
    width = (ASPECT / BLOCK * parameters) ** (1 / 3)
    layers = parameters / BLOCK / width**2
    widths = LORA_WIDTHS * layers * width
    return TransformerShape(round(layers), round(width), round(widths), SAVED_BYTES, parameters)
