"""``tunesmith generate``: audio from a trained adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.arguments import Force, Overrides, Target
from tunesmith.texts import msg, tr_all


def generate(  # noqa: PLR0913 - flags
    target: Target,
    overrides: Overrides = None,
    *,
    prompt: Annotated[list[str] | None, typer.Option(help=tr_all("What to make; give it again for more."))] = None,
    lyrics: Annotated[str | None, typer.Option(help=tr_all("Lyrics, or a .txt file of them."))] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help=tr_all(
                "What ACE-Step makes: text2music, retake; of --source: repaint, extend (both with --span), "
                "audio2audio, edit (with --source-text or --source-lyrics)."
            )
        ),
    ] = None,
    source: Annotated[Path | None, typer.Option(help=tr_all("Audio to start from, or a voice."))] = None,
    source_text: Annotated[str | None, typer.Option(help=tr_all("What the source says, or sounds like."))] = None,
    source_lyrics: Annotated[
        str | None, typer.Option(help=tr_all("What the source sings, for --task edit; or a .txt file of it."))
    ] = None,
    speaker: Annotated[
        Path | None, typer.Option(help=tr_all("A speaker vector (.npy) to sing with, for ACE-Step."))
    ] = None,
    edit: Annotated[
        str | None, typer.Option(help=tr_all("An edit of speech, TYPE or TYPE:AIM (emotion:happy)."))
    ] = None,
    span: Annotated[tuple[float, float] | None, typer.Option(help=tr_all("Seconds of the source: START END."))] = None,
    lora: Annotated[
        list[str] | None, typer.Option(help=tr_all("Another adapter, FILE:STRENGTH; again for more."))
    ] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", "--duration", help=tr_all("Length of each."))] = None,
    seed: Annotated[int | None, typer.Option(help=tr_all("Item i uses seed + i."))] = None,
    format: Annotated[str | None, typer.Option(help=tr_all("wav, flac or mp3."))] = None,
    adapter_scale: Annotated[float | None, typer.Option(help=tr_all("0 is the base model, 1 as trained."))] = None,
    from_attempt: Annotated[
        str | None, typer.Option(metavar="NAME", help=tr_all("Use the adapter of this earlier attempt of the run."))
    ] = None,
    out: Annotated[Path | None, typer.Option(help=tr_all("Also copy the audio here."))] = None,
    force: Force = False,
) -> int:
    """Make audio with the trained adapter; without --prompt, from the held-out captions."""
    from tunesmith.cli.flags import as_overrides
    from tunesmith.cli.stages import opened
    from tunesmith.stages.generate import generate_elsewhere
    from tunesmith.stages.pipeline import run_stages

    flags = as_overrides("generate", prompt, seconds=seconds, seed=seed, format=format, adapter_scale=adapter_scale)
    flags += as_overrides("generate", None, lyrics=absolute(lyrics), source=absolute(source), span=span, loras=lora)
    kind, _, aim = (edit or "").partition(":")
    flags += as_overrides("generate", None, source_prompt=source_text, source_lyrics=absolute(source_lyrics))
    flags += as_overrides("options", None, task=task, edit_type=kind or None, edit_info=aim or None)
    flags += as_overrides("options", None, speaker=absolute(speaker))
    context = opened(attempt_path(target, from_attempt), [*(overrides or ()), *flags], to_read=out is not None)
    if context.read_only and out is not None:
        generate_elsewhere(context, out)
        return 0
    code = run_stages(context, ["generate"], force=force)
    if out is not None:
        copy_audio(context.folder.generated, out)
        context.console.log(msg("copied to {path}", path=out))
    return code


def attempt_path(target: str, attempt: str | None) -> str:
    """What to open: the run, or one of its earlier attempts."""
    if attempt is None:
        return target
    from tunesmith.run.attempts import attempt_named
    from tunesmith.run.folder import find_run

    return str(attempt_named(find_run(target), attempt).path)


def absolute(path: Path | str | None) -> str | None:
    """A file that is there by its absolute path, since the recipe lies elsewhere; anything else as it is."""
    if path is None:
        return None
    text = str(path)
    is_file = "\n" not in text and len(text) < 1024 and Path(text).is_file()
    return str(Path(text).absolute()) if is_file else text


def copy_audio(source: Path, target: Path) -> None:
    """Copy what was generated; files of the same names are replaced.

    Raises:
        TunesmithError: when ``target`` cannot be written.
    """
    import shutil

    from tunesmith.files import atomic_path

    for file in sorted(source.iterdir()):
        with atomic_path(target / file.name) as temporary:
            shutil.copyfile(file, temporary)
