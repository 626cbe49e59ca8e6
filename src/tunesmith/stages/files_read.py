"""The files that a stage reads, as names for their content or their state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.data.content import content_key, file_digest, key_of_many
from tunesmith.data.sample import read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.recipe.models import DataRecipe, GenerateRecipe
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES, RunFolder


def named_files(recipe: GenerateRecipe) -> list[Path]:
    """Files that generation reads by name: lyrics, source audio, other adapters (of a folder, what is in it)."""
    loras = [Path(text.rpartition(":")[0] or text) for text in recipe.loras]
    lyrics = [Path(recipe.lyrics)] if "\n" not in recipe.lyrics and len(recipe.lyrics) < 1024 else []
    found = [path.expanduser() for path in (*lyrics, Path(recipe.source), *loras) if str(path) != "."]
    inside = [file for path in found for file in (sorted(path.rglob("*.safetensors")) if path.is_dir() else [path])]
    return [file for file in inside if file.is_file()]


def adapter_files(folder: RunFolder) -> list[Path]:
    """The best adapter's tensors, or what was trained itself: one file, or one per network."""
    return sorted([*folder.best.rglob("adapter_model.safetensors"), *folder.best.rglob("tuned.safetensors")])


def digest(path: Path) -> str:
    """Digest of a file, or nothing: writing the same content again changes nothing."""
    return file_digest(path) if path.exists() else ""


def file_state(path: Path) -> tuple[int, int] | None:
    """Size and time of a file, or ``None``."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def manifest_audio(folder: RunFolder) -> str:
    """Key of the audio files that a manifest names, by size and time."""
    if not folder.manifest.exists():
        return ""
    paths = (Path(ref.path) for sample in read_manifest(folder.manifest) for ref in sample.audios.values())
    return key_of_many((path.name, file_state(path)) for path in paths)


def folder_listing(folder: Path) -> str:
    """Key of every file below a folder, also in folders that are linked there, by name, size and time."""
    from tunesmith.data.layouts.walk import files

    if not folder.is_dir():
        return ""
    found = {*folder.rglob("*"), *(folder / path for path in files(folder))}
    return content_key(*((p.relative_to(folder), file_state(p)) for p in sorted(found) if p.is_file()))


def listed_files(data: DataRecipe) -> list[Any]:
    """Lists that name audio, by content, and by size and time that audio, which may lie anywhere."""
    from tunesmith.data.layouts import AUTO, layout_named, read_layout

    lists = data.layout != AUTO and layout_named(data.layout).lists
    if not data.folder or not (data.place.is_file() or lists):
        return []
    digests = [digest(path) for path in (data.place, Path(data.valid_file)) if path.is_file()]
    try:
        samples = read_layout(data.place, data.layout, valid_file=data.valid_file).samples
    except TunesmithError:  # the check stage says what is wrong with them
        return digests
    return [*digests, content_key(*((a.path, file_state(Path(a.path))) for s in samples for a in s.audios.values()))]


def replay_files(data: DataRecipe) -> list[Any]:
    """The replay set like the user's own: every file of its folder, and what its lists name."""
    from tunesmith.data.layouts import detect_layout

    if not data.replay:
        return []
    folder = Path(data.replay)
    try:
        layout = detect_layout(folder)
    except TunesmithError:  # the check stage says what is wrong with it
        return []
    return [folder_listing(folder), *listed_files(DataRecipe.model_validate({"folder": data.replay, "layout": layout}))]


def report_sources(context: RunContext) -> list[Any]:
    """Everything a report reads."""
    folder = context.folder
    evaluation, generated = folder.evaluation / "comparison_results.json", folder.generated / "generated.json"
    states = ((name, folder.stage_state(name)) for name in STAGES if name != "report")
    unfinished = [name for name, state in states if state is not None and state.status == "running"]
    return [
        *(digest(p) for p in (folder.findings, folder.metrics, folder.resolved, evaluation, generated)),
        *unfinished,
        *([digest(folder.listening)] if folder.listening.exists() else []),
    ]
