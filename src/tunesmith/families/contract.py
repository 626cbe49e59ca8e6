"""What a model family must provide; everything else of a run is shared machinery.

The contract is written for three kinds of model at once: one trained network or several (MusicGen's decoder; a speech
LLM and a flow decoder), one training stage or several, token or latent inputs, several loss terms, cached features of
any shape, and generation with or without source audio.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.data.augmented import Augmented
from tunesmith.data.fields import FieldSpec
from tunesmith.data.findings import Finding
from tunesmith.data.item_rng import ItemRng
from tunesmith.data.sample import PROMPT_TEXT, Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.card import ModelCard, PhaseSpec
from tunesmith.families.loss_terms import LossTerm
from tunesmith.records.settings import Section
from tunesmith.speech.tools import SpeechTools

if TYPE_CHECKING:
    from torch import nn

Batch = dict[str, Any]
"""What collate makes: tensors (moved to the device by the loop) and plain values (left alone)."""


class FamilySettings(Section):
    """Base of a family's own options (the recipe's ``options:`` section); unknown keys are refused."""


@dataclass(frozen=True)
class GenerationRequest:
    """One thing to generate; its seed fixes its result whatever else is in the batch.

    Attributes:
        texts: Texts by role (``caption``; ``prompt_text``, what a voice prompt says).
        seconds: Length asked for; of speech, whose length its text decides, the longest it may become.
        seed: This item's own seed.
        source: Source audio by role, shape (C, N) at the family's rate: a prompt to continue, a voice, a song to edit.
        span: The span of the source to replace, in seconds, where the family can.
        options: Family settings for this item (guidance, temperature), over the recipe's; of speech also
            ``edit_type`` and, where there is one, ``edit_info``.
    """

    texts: Mapping[str, str]
    seconds: float
    seed: int
    source: Mapping[str, np.ndarray] = field(default_factory=dict)
    span: tuple[float, float] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Generated:
    """Audio of shape (C, N) float32 at ``sample_rate``.

    ``encoded`` holds what the cache would hold for it (codes, latents, text states): the base model's own output is
    measured again while an adapter trains, and a loss that rises there is forgetting.
    """

    audio: np.ndarray
    sample_rate: int
    request: GenerationRequest
    encoded: Mapping[str, np.ndarray] = field(default_factory=dict)


class Encoder(ABC):
    """The frozen parts of a model, alive only while encoding (a context manager, so that they leave the memory)."""

    @abstractmethod
    def encode(self, sample: Sample, fields: Sequence[str]) -> dict[str, np.ndarray]:
        """Encode ``fields`` of one sample, unpadded and alone, with the same front end that generation uses."""

    def round_trip(self, audio: np.ndarray) -> np.ndarray | None:
        """Audio (C, N) through the codec and back: the best any adapter can sound; ``None`` where there is no codec."""
        return None


class Family(ABC):
    """A model family over one base checkpoint.

    Args:
        path: A hub id, a local folder or ``pocket``.
        settings: The family's own options, validated by :attr:`Settings`.
        revision: Hub revision to take the weights from.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[FamilySettings]] = FamilySettings
    audio_roles: ClassVar[tuple[str, ...]] = ("audio",)
    text_roles: ClassVar[tuple[str, ...]] = ("caption",)
    full_precision: ClassVar[tuple[str, ...]] = ()
    """Networks that are kept in fp32 wherever they run: small ones whose weights are trained themselves."""
    config_file: ClassVar[str] = "config.json"
    """A file that every checkpoint on the Hub has; in the local cache, the checkpoint was downloaded."""

    def __init__(self, path: str, settings: FamilySettings | None = None, revision: str | None = None) -> None:
        self.path, self.revision = path, revision
        self.settings = settings if settings is not None else self.Settings()

    # --- what it is -------------------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def recognises(cls, path: str) -> bool:
        """Whether ``path`` names a checkpoint of this family; reads names and configs only, never weights."""

    def published(self) -> ModelCard | None:
        """Facts of the checkpoint if they are known without downloading it, for planning; ``None`` for any other."""
        return None

    @property
    def base_name(self) -> str:
        """What an adapter's config names as its base: where others find it."""
        return self.path

    @classmethod
    def recipe_defaults(cls) -> dict[str, dict[str, Any]]:
        """Recipe values by section that suit this family better than the recipe's own defaults."""
        return {}

    @abstractmethod
    def card(self) -> ModelCard:
        """Facts of the base model, from its config alone."""

    def text_findings(self, sample: Sample) -> list[Finding]:
        """What the family's own tokenisers have to say about a sample's texts (lyrics that will be cut, odd tags)."""
        return []

    @classmethod
    def is_speech(cls) -> bool:
        """Whether texts say word for word what is spoken in a clip: none is made up, and no clip is cut."""
        return PROMPT_TEXT in cls.text_roles

    def validate_samples(self, samples: Sequence[Sample]) -> None:
        """Refuse a set with a :class:`TunesmithError` at what no sample may ask for, before anything is measured."""
        return

    def add_prompts(self, samples: Sequence[Sample], seed: int) -> Augmented:
        """Add what samples lack to be trained on (a voice prompt, a transcript); their split is known."""
        return Augmented(samples)

    def speech(self) -> SpeechTools | None:
        """What speech is measured with; ``None`` for music. Asked often: what it names is loaded when it is used."""
        return None

    def unk_ratio(self, text: str) -> float:
        """Share of a text other than lyrics (0..1) that the family's text encoder cannot represent."""
        return 0.0

    # --- encoding ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def fields(self) -> tuple[FieldSpec, ...]:
        """Everything that is encoded once per sample."""

    @abstractmethod
    def field_key(self, sample: Sample, name: str) -> str:
        """What decides the content of a field: audio bytes, text, component weights, settings; never a file name."""

    @abstractmethod
    def encoder(self, device: str = "cpu") -> AbstractContextManager[Encoder]:
        """Load the frozen encoders for the length of a ``with`` block."""

    # --- training ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def networks(self, *, meta: bool = False) -> dict[str, nn.Module]:
        """The trained networks by name, frozen, on the CPU; on the meta device without weights if ``meta``.

        In fp32, or large ones in the precision of their files: who computes with them says in which.
        """

    @abstractmethod
    def adapter_defaults(self) -> dict[str, AdapterDefaults]:
        """Adapter targets per network."""

    def stages(self) -> tuple[PhaseSpec, ...]:
        """Training stages in order; one stage with every network unless the family says otherwise."""
        return (PhaseSpec("train", tuple(self.adapter_defaults())),)

    @abstractmethod
    def collate(self, items: Sequence[Mapping[str, np.ndarray]], rngs: Sequence[ItemRng] | None) -> Batch:
        """Batch encoded (already cropped) items; ``rngs`` is ``None`` when measuring, so nothing is random then.

        Beside the fields an item holds ``crop``: where its window begins, its length and the clip's, in frames.
        """

    @abstractmethod
    def weights(self, batch: Batch) -> dict[str, float]:
        """The weight of every term :meth:`loss` will return for ``batch``; known before the forward pass."""

    @abstractmethod
    def loss(
        self, networks: Mapping[str, nn.Module], batch: Batch, rngs: Sequence[ItemRng] | None
    ) -> dict[str, LossTerm]:
        """The family's objective on one batch, by named term; ``rngs`` is ``None`` for the held-out measurement.

        ``networks`` are those of the present stage: a family with several gives the terms of those that are there.
        """

    def base_prompts(self) -> tuple[str, ...]:
        """Prompts in the base model's own range, to see whether it forgets them; at least eight."""
        return ()

    def base_edits(self) -> tuple[tuple[str, str], ...]:
        """Edits of speech, each with its aim, that the base model knows, to see whether it forgets them."""
        return ()

    def chance_loss(self) -> float | None:
        """The held-out loss of a model that knows nothing (a uniform guess, no velocity), if the objective has one."""
        return None

    def max_base_loss_ratio(self) -> float:
        """Share of :meth:`chance_loss` that a sound base model stays under on music it has not heard."""
        return 0.85

    def trained_frames(self, batch: Batch) -> float:
        """Frames of a batch (on the clock of its first timed field) that carry a target, on average over the terms."""
        weights = self.weights(batch)
        return sum(weights.values()) / max(1, len(weights))

    def sanity_variants(self) -> dict[str, Callable[[Mapping[str, nn.Module], Batch], dict[str, LossTerm]]]:
        """Deliberately wrong readings of the data (a layout, a shift) whose loss must be worse than the right one."""
        return {}

    def checkpointing(self, networks: Mapping[str, nn.Module]) -> None:
        """Turn gradient checkpointing on, where the networks support it."""
        raise TunesmithError(
            f"{self.name} has no gradient checkpointing",
            where="train.gradient_checkpointing",
            remedy="Set it to false.",
        )

    def compile_blocks(self, networks: Mapping[str, nn.Module]) -> None:
        """Compile the repeated block of each network (GPU), where that is known to work."""
        raise TunesmithError(f"{self.name} has nothing to compile", where="train.compile", remedy="Set it to `off`.")

    # --- generation and export --------------------------------------------------------------------------------------

    @abstractmethod
    def generator(self, networks: Mapping[str, nn.Module] | None = None, device: str = "cpu") -> Generator:
        """A generator over ``networks`` (a run's, adapters attached) or over the base weights."""

    def adapter_formats(self) -> dict[str, Callable[[Path, Path], None]]:
        """How else than as a PEFT folder an adapter can be written: name to a function of PEFT folder and target."""
        return {}

    def default_request_options(self) -> dict[str, Any]:
        """Options of requests that bring no source audio although the recipe names a task that takes one."""
        return {}

    def objective_options(self) -> dict[str, Any]:
        """Options that decide what the loss means; a run is not resumed with others."""
        return {}

    def adapter_warnings(self, targets: Sequence[str], kind: str) -> list[str]:
        """What a user should know of an adapter on these targets (``kind``: lora or dora) before it is trained."""
        return []

    def apply_adapters(self, networks: Mapping[str, nn.Module], loras: Sequence[str]) -> list[str]:
        """Add several adapters (``path:strength``) to base networks at once; returns notes for the user."""
        raise TunesmithError(
            f"{self.name} takes one adapter at a time", where="generate.loras", remedy="Use the run's own adapter."
        )

    @classmethod
    def load_code(cls, base: str, adapter: str) -> str:
        """A few lines of Python that use an adapter without this project; both are quoted strings."""
        return (
            "from peft import PeftModel\n\n"
            f"model = PeftModel.from_pretrained(base, {adapter})  # base: the model of {base}\n"
        )

    def write_extra_adapter_files(self, folder: Path) -> None:
        """Add to a saved PEFT folder the file that the family's own tools load; nothing where they load PEFT's."""
        return

    @abstractmethod
    def export_merged(self, networks: Mapping[str, nn.Module], folder: Path) -> None:
        """Write the whole model with the adapter merged, in the family's own published format."""


class Generator(ABC):
    """Turns requests into audio."""

    @abstractmethod
    def generate(
        self, requests: Sequence[GenerationRequest], progress: Callable[[float], None] | None = None
    ) -> Iterator[Generated]:
        """Yield one result per request, in order.

        ``progress`` is called with the share done, 0..1.
        """
