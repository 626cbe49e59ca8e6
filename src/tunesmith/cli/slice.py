"""``tunesmith slice``: long recordings become clips."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg, tr_all

_RANGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[-–]\s*(\d+(?:\.\d+)?)\s*(?:s)?\s*")
_LEAST_S, _MOST_S = 0.5, 3600.0


def slice(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=tr_all("Your folder of long recordings."))],
    out: Annotated[Path, typer.Argument(metavar="OUT", help=tr_all("The folder that takes the clips."))],
    *,
    seconds: Annotated[
        str | None,
        typer.Option(
            metavar="MIN-MAX",
            help=tr_all("How long a clip may be.") + " [default: 3-15 (silence), 10-30 (bars, sections)]",
        ),
    ] = None,
    overlap: Annotated[
        float, typer.Option(metavar="S", min=0, help=tr_all("Seconds of the clip before that each one begins with."))
    ] = 0.0,
    at: Annotated[
        Literal["silence", "bars", "sections", "auto"],
        typer.Option(help=tr_all("Where to cut; auto decides for each recording.")),
    ] = "auto",
    transcribe: Annotated[
        bool,
        typer.Option("--transcribe", help=tr_all("Write down what is said in each clip, where Whisper's weights are.")),
    ] = False,
) -> int:
    """Cut long recordings into clips, at pauses, bar lines or section changes.

    Captions and lyrics follow their part. The recordings stay as they are; the same command goes on after an
    interruption, and leaves alone what you have edited.
    """
    from tunesmith.data.slicing.plan import Cutting
    from tunesmith.run.console import Console
    from tunesmith.stages.slice import slice_folder

    console = Console()
    cutting = Cutting(at, _lengths(seconds), overlap)
    _refuse_long_overlap(cutting.lengths, overlap)
    listener = None
    if transcribe:
        from tunesmith.ears.catalogue import WHISPER_TINY_EN, install_command
        from tunesmith.speech.transcribe import transcriber

        listener = transcriber()
        if listener is None:
            console.warn(
                msg(
                    "there are no Whisper weights here, so no transcripts (`hf download openai/whisper-small`, or for "
                    "English `{command}`)",
                    command=install_command(WHISPER_TINY_EN),
                )
            )
        elif not listener.knows(""):
            console.warn(
                msg("{name} hears English alone: transcripts of another language are wrong", name=listener.name)
            )
    record = slice_folder(folder.expanduser(), out.expanduser(), cutting, console, listener)
    if any(recording.slices for recording in record.recordings):
        return 0
    console.log(msg("exit code 1: none of {count} recordings gives a clip", count=len(record.recordings)))
    return 1


def _lengths(seconds: str | None) -> tuple[float, float] | None:
    """The two numbers of ``MIN-MAX``.

    Raises:
        TunesmithError: when they are none, or no range.
    """
    if seconds is None:
        return None
    found = _RANGE.fullmatch(seconds)
    if found is None:
        raise TunesmithError(
            msg("`{text}` is no range of seconds", text=seconds), where="--seconds", remedy=msg("Write it as in 5-15.")
        )
    shortest, longest = float(found[1]), float(found[2])
    if not _LEAST_S <= shortest < longest <= _MOST_S:
        raise TunesmithError(
            msg("clips of {shortest:g} to {longest:g} s cannot be cut", shortest=shortest, longest=longest),
            where="--seconds",
            remedy=msg("Let the first number be {least:g} or more, and the second one greater.", least=_LEAST_S),
        )
    return shortest, longest


def _refuse_long_overlap(lengths: tuple[float, float] | None, overlap: float) -> None:
    shortest = 3.0 if lengths is None else lengths[0]
    if not overlap < shortest:  # nor is NaN
        raise TunesmithError(
            msg(
                "an overlap of {overlap:g} s leaves nothing new in a clip of {shortest:g} s",
                overlap=overlap,
                shortest=shortest,
            ),
            where="--overlap",
            remedy=msg("Ask for less overlap, or longer clips."),
        )
