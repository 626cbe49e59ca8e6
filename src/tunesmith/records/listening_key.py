"""``listening_key.json``: which clip of a listening test's page is which system's; it stays in the run folder."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tunesmith.records.record import Part, Record, Said
from tunesmith.texts import msg


class ListeningSystem(Part):
    """One of the models that are heard against each other.

    Attributes:
        name: Its name in the records.
        title: Its name for readers.
        run: The run folder that its outputs come from.
        side: Which side of that run's evaluation.
    """

    name: str
    title: Said
    run: str
    side: Literal["base", "adapter"]


class ListeningPrompt(Part):
    """What all systems were asked for.

    Attributes:
        prompt: Its text.
        seed: The seed of every system.
        kind: Where the prompt comes from, as in ``comparison_results.json``.
        lufs: What every clip of it is brought to.
    """

    prompt: str
    seed: int
    kind: str
    lufs: float


class ListeningClip(Part):
    """One clip of the page.

    Attributes:
        system: Name of the system that made it.
        prompt: Number of its prompt.
        file: Where it lies, relative to the system's run folder.
        lufs: Integrated loudness of the file (ITU-R BS.1770).
        gain_db: What was added to it on the page.
        seconds: Length on the page.
    """

    system: str
    prompt: int
    file: str
    lufs: float
    gain_db: float
    seconds: float


class ListeningTrial(Part):
    """One pair as it is heard.

    Attributes:
        a: The clip on side A.
        b: The clip on side B.
        repeats: Number of the trial that this one repeats with the sides swapped, if it does.
    """

    a: str
    b: str
    repeats: int | None = None


class ListeningKey(Record):
    """Everything that a page of a listening test hides.

    Attributes:
        page: The page's id, which its votes carry.
        file: Where the page was written.
        outputs: Digest of the first run's evaluation, whose outputs are heard.
        seed: Decides sides, order and repeats.
        systems: Those that are compared.
        prompts: In the order of their numbers.
        clips: By the opaque ids that the page has for them.
        trials: In the order of the page.
        left_out: What is not on the page, and why.
    """

    page: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]
    file: str
    outputs: str
    seed: int
    systems: tuple[ListeningSystem, ...]
    prompts: tuple[ListeningPrompt, ...]
    clips: dict[str, ListeningClip]
    trials: tuple[ListeningTrial, ...]
    left_out: tuple[Said, ...] = ()

    @model_validator(mode="after")
    def _fits_itself(self) -> Self:
        """Refuse a key that names what it does not have: no vote on such a page means anything."""
        systems = {system.name for system in self.systems}
        known = all(clip.system in systems and 0 <= clip.prompt < len(self.prompts) for clip in self.clips.values())
        for trial in self.trials:
            known = known and trial.a in self.clips and trial.b in self.clips
            known = known and (trial.repeats is None or 0 <= trial.repeats < len(self.trials))
        if not known:
            raise ValueError(msg("it names clips, systems or pairs that it does not have"))
        return self
