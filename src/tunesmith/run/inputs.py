"""What each stage's result depends on, so that an unchanged stage is not done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.data.content import content_key, file_digest
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder

_SECTIONS = {
    "check": ("data", "checks"),
    "encode": ("model",),
    "train": ("adapter", "train", "previews", "gates", "options"),
    "generate": ("generate", "options"),
    "evaluate": ("evaluate", "generate", "options"),
    "report": (),
}


def stage_inputs(context: RunContext, name: str) -> list[Any]:
    """Printable inputs of a stage: its recipe sections, and the files it reads (by size and time)."""
    folder = context.folder
    sections: list[Any] = [getattr(context.recipe, section) for section in _SECTIONS[name]]
    sections += [context.recipe.model.path, context.recipe.model.revision]
    match name:
        case "check":
            return [*sections, context.recipe.train.seed, folder_listing(Path(context.recipe.data.folder))]
        case "encode":
            return [*sections, digest(folder.manifest)]
        case "train":
            sections += [context.recipe.evaluate.forgetting_prompts, context.recipe.generate.seed]
            return [*sections, digest(folder.manifest), stage_key(context, "encode")]
        case "generate" | "evaluate":
            return [*sections, *(digest(path) for path in adapter_files(folder)), digest(folder.manifest)]
        case _:
            return [*sections, report_sources(context)]


def stage_key(context: RunContext, name: str) -> str:
    """The fingerprint of a finished stage, or nothing."""
    state = context.folder.stage_state(name)
    return state["fingerprint"] if state else ""


def adapter_files(folder: RunFolder) -> list[Path]:
    """The best adapter's tensors: one file, or one per network."""
    return sorted(folder.best.rglob("adapter_model.safetensors"))


def digest(path: Path) -> str:
    """Digest of a file, or nothing: writing the same content again changes nothing."""
    return file_digest(path) if path.exists() else ""


def file_state(path: Path) -> tuple[int, int] | None:
    """Size and time of a file, or ``None``."""
    return (path.stat().st_size, path.stat().st_mtime_ns) if path.exists() else None


def folder_listing(folder: Path) -> str:
    """Key of every file below a folder by name, size and time."""
    if not folder.is_dir():
        return ""
    return content_key(*((p.relative_to(folder), file_state(p)) for p in sorted(folder.rglob("*")) if p.is_file()))


def report_sources(context: RunContext) -> list[Any]:
    """Everything a report reads."""
    folder = context.folder
    evaluation, generated = folder.evaluation / "comparison_results.json", folder.generated / "generated.json"
    return [digest(p) for p in (folder.findings, folder.metrics, folder.resolved, evaluation, generated)]
