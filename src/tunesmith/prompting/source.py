"""What a source audio is, for tasks that follow the difference between it and the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tunesmith.data.content import file_digest
from tunesmith.data.sample import Sample, read_manifest
from tunesmith.prompting.choose import asked_lyrics
from tunesmith.run.context import RunContext
from tunesmith.texts import msg

ROLES = ("caption", "lyrics")


def described_source(context: RunContext, said: Mapping[str, str]) -> dict[str, str]:
    """What the source is, by role: as the recipe says, else as the run's own clips say, if it is one of them.

    Args:
        context: The run.
        said: What the recipe says of it besides ``generate.source_lyrics``.
    """
    recipe = context.recipe.generate
    about = {**said, "source_lyrics": asked_lyrics(recipe.source_lyrics, context.family)}
    about = {role: text for role, text in about.items() if text}
    if about or not context.family.generation.compares_source():
        return about
    clip = clip_of(context, Path(recipe.source))
    if clip is None:
        return {}
    context.console.log(
        msg(
            "the source is the clip {clip}, whose own texts say what it is (--source-text says otherwise)",
            clip=clip.id,
        )
    )
    texts = {role: clip.texts[role] for role in ROLES if clip.texts.get(role)}
    # A prompt without lyrics of its own is about the sound: the words stay.
    kept = {"lyrics": texts["lyrics"]} if recipe.prompts and not recipe.lyrics and "lyrics" in texts else {}
    return {f"source_{role}": text for role, text in texts.items()} | kept


def clip_of(context: RunContext, file: Path) -> Sample | None:
    """The clip of the run whose whole file holds the same bytes, under whatever name."""
    if not context.folder.manifest.exists():
        return None
    size, digest = file.stat().st_size, ""
    for sample in read_manifest(context.folder.manifest):
        ref = sample.target
        if ref is None or ref.start or ref.end is not None:
            continue
        path = Path(ref.path)
        if not path.is_file() or path.stat().st_size != size:
            continue
        digest = digest or file_digest(file)
        if file_digest(path) == digest:
            return sample
    return None


def warn_of_equal_texts(context: RunContext, requests: Sequence[Mapping[str, str]]) -> None:
    """Warn of requests whose source and result are described alike: they give the source back.

    Args:
        context: The run.
        requests: The texts of each request, by role.
    """
    if not context.family.generation.compares_source():
        return
    for texts in requests:
        described = [f"source_{role}" in texts for role in ROLES]
        alike = [texts.get(f"source_{role}", texts.get(role, "")) == texts.get(role, "") for role in ROLES]
        if any(described) and all(alike):
            context.console.warn(
                msg(
                    "the prompt {prompt} and the source are described alike, so the edit changes nothing",
                    prompt=repr(texts.get("caption", "")),
                )
            )
