"""Role generation: requests, their results, and the prompts that measure forgetting of the base model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn


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


class Generator(ABC):
    """Turns requests into audio."""

    @abstractmethod
    def generate(
        self, requests: Sequence[GenerationRequest], progress: Callable[[float], None] | None = None
    ) -> Iterator[Generated]:
        """Yield one result per request, in order.

        ``progress`` is called with the share done, 0..1.
        """

    def prepare(self, requests: Sequence[GenerationRequest]) -> None:  # noqa: B027 - nothing to do for most
        """Encode what all of these need before the first is generated, so that what encodes it is loaded once."""


class Generation(ABC):
    """How a family makes audio."""

    @abstractmethod
    def generator(self, networks: Mapping[str, nn.Module] | None = None, device: str = "cpu") -> Generator:
        """A generator over ``networks`` (a run's, adapters attached) or over the base weights."""

    def base_prompts(self) -> tuple[str, ...]:
        """Prompts in the base model's own range, to see whether it forgets them; at least eight."""
        return ()

    def base_edits(self) -> tuple[tuple[str, str], ...]:
        """Edits of speech, each with its aim, that the base model knows, to see whether it forgets them."""
        return ()

    def compares_source(self) -> bool:
        """Whether the recipe's options make it follow the difference between what a source is and what it becomes."""
        return False

    def default_request_options(self) -> dict[str, Any]:
        """Options of requests that bring no source audio although the recipe names a task that takes one."""
        return {}
