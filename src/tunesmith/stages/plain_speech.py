"""Whether the clips of a folder without a run are speech, and whether their texts are what is said in them."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.data.layouts import Dataset, layout_named
from tunesmith.errors import TunesmithError
from tunesmith.recipe.models import Recipe
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class Kind:
    """What the clips of a folder are.

    Attributes:
        is_speech: Whether they are speech; else they are music.
        transcripts: Whether their texts are what is said in them.
        notes: What was decided, for the user to know.
    """

    is_speech: bool = False
    transcripts: bool = False
    notes: tuple[Message, ...] = ()


def kind_of(dataset: Dataset, recipe: Recipe, *, chosen: bool) -> Kind:
    """What the clips of a folder are: what the user says, what a list of speech pairs is, else what they sound like.

    Args:
        dataset: The clips, without a default caption.
        recipe: Names a model, if the user did.
        chosen: Whether the user did.
    """
    if layout_named(dataset.name).speech:
        return Kind(is_speech=True, transcripts=True)
    if chosen:
        speaks = is_speaking(recipe)
        return Kind(speaks, transcripts=speaks)
    from tunesmith.speech.recordings.spoken_sound import hear_some

    heard = hear_some(dataset.samples) if dataset.samples else None
    if heard is None or not heard.is_speech:
        return Kind()
    transcripts = heard.has_transcripts and recipe.data.default_text is None
    known = {"spoken": heard.spoken, "judged": heard.judged}
    note = (
        msg(
            "{spoken} of {judged} clips that were listened to are speech, so all are checked as speech "
            "(`model.family=musicgen`: as music)",
            **known,
        )
        if transcripts
        else msg(
            "{spoken} of {judged} clips that were listened to are speech, so all are checked as speech "
            "(`model.family=musicgen`: as music); their texts describe them and are not held against the words",
            **known,
        )
    )
    without = sum(not any(text.strip() for text in sample.texts.values()) for sample in dataset.samples)
    if not transcripts or not without:
        return Kind(True, transcripts, (note,))
    missing = msg(
        "{count} clips have no transcript: a model that speaks needs one, or Whisper's weights, which write it",
        count=without,
    )
    return Kind(True, transcripts, (note, missing))


def is_speaking(recipe: Recipe) -> bool:
    """Whether a recipe's model speaks; one that nobody knows does not."""
    from tunesmith.families.registry import family_type, recognise

    try:
        return family_type(recipe.model.family or recognise(recipe.model.path)).is_speech
    except TunesmithError:
        return False


def speaking_family() -> str:
    """The first installed family that speaks; its limits suit speech."""
    from tunesmith.families.registry import family_names, family_type

    return next(name for name in family_names() if family_type(name).is_speech)
