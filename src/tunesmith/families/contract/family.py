"""A family as a composition of its roles, and the type by which it is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunesmith.data.sample import PROMPT_TEXT
from tunesmith.families.contract.adapters import Adapters
from tunesmith.families.contract.card import Card
from tunesmith.families.contract.checkpoint import Checkpoint, FamilySettings
from tunesmith.families.contract.checks import Checks
from tunesmith.families.contract.encoding import Encoding
from tunesmith.families.contract.generation import Generation
from tunesmith.families.contract.networks import Networks
from tunesmith.families.contract.objective import Objective

LOAD_CODE = """\
from peft import PeftModel

model = PeftModel.from_pretrained(base, {adapter})  # base: the model of {base}
"""


@dataclass(frozen=True)
class Family:
    """One base checkpoint of a model family, role by role.

    Attributes:
        type: What is the same for every checkpoint of the family.
        checkpoint: The checkpoint and its settings, which the roles share.
        card: Its facts.
        networks: The trained networks.
        encoding: What is encoded once per sample.
        objective: What is trained for.
        generation: How audio is made.
        adapters: Where adapters go and how they are written.
        checks: What it checks in samples before they are encoded.
    """

    type: FamilyType
    checkpoint: Checkpoint[Any]
    card: Card
    networks: Networks
    encoding: Encoding
    objective: Objective
    generation: Generation
    adapters: Adapters = field(default_factory=Adapters)
    checks: Checks = field(default_factory=Checks)

    @property
    def name(self) -> str:
        """The family's name."""
        return self.type.name

    @property
    def path(self) -> str:
        """Where the checkpoint is, as the recipe names it."""
        return self.checkpoint.path

    @property
    def settings(self) -> Any:
        """The family's own options."""
        return self.checkpoint.settings

    @property
    def is_speech(self) -> bool:
        """See :attr:`FamilyType.is_speech`."""
        return self.type.is_speech


@dataclass(frozen=True)
class FamilyType:
    """What an entry point of the group ``tunesmith.families`` names.

    Attributes:
        name: The family's name, as recipes and the command line say it.
        recognises: Whether a path names a checkpoint of this family; reads names and configs only, never weights.
        build: A family from its checkpoint's path, settings and revision.
        settings: The family's own options.
        audio_roles: Audios of a sample; the last one is the result that is trained on.
        text_roles: Texts of a sample.
        recipe_defaults: Recipe values by section that suit this family better than the recipe's own defaults.
        objective_version: Raised when the loss of the same clips under the same settings becomes another one, so that a
            run is not silently continued, or called up to date, under it.
        load_code: A few lines of Python that use an adapter without this project, with ``{base}`` and ``{adapter}``.
    """

    name: str
    recognises: Callable[[str], bool]
    build: Callable[[FamilyType, str, Any, str | None], Family]
    settings: type[FamilySettings] = FamilySettings
    audio_roles: tuple[str, ...] = ("audio",)
    text_roles: tuple[str, ...] = ("caption",)
    recipe_defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    objective_version: int = 1
    load_code: str = LOAD_CODE

    @property
    def is_speech(self) -> bool:
        """Whether texts say word for word what is spoken in a clip: none is made up, and no clip is cut."""
        return PROMPT_TEXT in self.text_roles

    def open(self, path: str, settings: FamilySettings | None = None, revision: str | None = None) -> Family:
        """The family over one base checkpoint; its default options without ``settings``.

        Raises:
            TunesmithError: when the checkpoint is of a kind that is not supported.
        """
        return self.build(self, path, settings if settings is not None else self.settings(), revision)
