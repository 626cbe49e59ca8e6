"""What every stage is given: the folder, the recipe, the family and the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.folder import RunFolder

if TYPE_CHECKING:
    from tunesmith.data.sample import Sample
    from tunesmith.data.workers import WorkerCluster, WorkersWanted
    from tunesmith.families.contract import Family


@dataclass(frozen=True)
class SavedAdapter:
    """An adapter that training has just written.

    Attributes:
        folder: Where it lies.
        kind: The best so far, one kept at a save (``train.snapshots``), or the last one.
        stage: The training stage.
        networks: What that stage trains.
        updates: Updates of the stage so far.
        loss: Its held-out loss, where it was measured just now.
        terms: The same by term.
    """

    folder: Path
    kind: Literal["best", "snapshot", "final"]
    stage: str
    networks: tuple[str, ...]
    updates: int
    loss: float | None
    terms: Mapping[str, float] = field(default_factory=dict)


class EncodedElsewhere(Protocol):
    """Clips that other processes have encoded."""

    def outcome(self, sample: Sample, keys: Mapping[str, str], fields: Sequence[str]) -> Any:
        """What was encoded of a sample by field, or the error why it cannot be; ``None`` where nobody has done it."""


@dataclass(frozen=True)
class RunContext:
    """One run while it works.

    Attributes:
        folder: Where everything is kept.
        recipe: The resolved recipe.
        console: Prints, draws progress bars and writes the log.
        command: What the user typed, for the record.
        given: Keys of the recipe that the user has set, in its file or for this command; ``None`` where nobody knows.
        read_only: Whether its folder cannot be written to, so that results have to go elsewhere.
        advised: Keys of the recipe whose values the command has already advised against, by its own flags' names.
        on_saved: Called with every adapter that training writes, on the main process.
        elsewhere: What other processes have encoded already.
        cluster: Other machines that measure, hear and encode clips.
    """

    folder: RunFolder
    recipe: Recipe
    console: Console
    command: str = ""
    given: frozenset[str] | None = None
    read_only: bool = False
    advised: frozenset[str] = frozenset()
    on_saved: Callable[[SavedAdapter], None] | None = None
    elsewhere: EncodedElsewhere | None = None
    cluster: WorkerCluster | None = None

    @property
    def workers(self) -> WorkersWanted:
        """Who does what is done to each clip by itself."""
        return self.cluster or self.recipe.data.workers

    def on_cluster(self, cluster: WorkerCluster) -> RunContext:
        """The run with other machines at work, and its family still open."""
        return self._with_family_of(replace(self, cluster=cluster))

    def working_in(self, folder: RunFolder, console: Console) -> RunContext:
        """The same run with what it writes in another folder, and its family still open."""
        return self._with_family_of(replace(self, folder=folder, console=console))

    def with_encoded(self, elsewhere: EncodedElsewhere) -> RunContext:
        """The run with what other processes have encoded of it, and its family still open."""
        return self._with_family_of(replace(self, elsewhere=elsewhere))

    def with_recipe(self, recipe: Recipe) -> RunContext:
        """The run under another recipe, with its family still open where that is of the same model and options."""
        return self._with_family_of(replace(self, recipe=recipe))

    def quietly(self) -> RunContext:
        """The run with nothing printed, and its family still open."""
        return self._with_family_of(replace(self, console=Console(quiet=True)))

    def _with_family_of(self, other: RunContext) -> RunContext:
        before, after = self.recipe, other.recipe
        if (before.model, before.options) == (after.model, after.options) and "family" in vars(self):
            vars(other)["family"] = self.family
        return other

    @cached_property
    def family(self) -> Family:
        """The family over the recipe's base model."""
        from tunesmith.families.registry import make_family
        from tunesmith.pocket.shipped import is_pocket_model
        from tunesmith.run.device import compute_on_one_thread

        if is_pocket_model(self.recipe.model.path):
            compute_on_one_thread()  # on tensors this small a second thread costs far more than it brings
        model = self.recipe.model
        return make_family(model.path, model.family, self.recipe.options, model.revision)
