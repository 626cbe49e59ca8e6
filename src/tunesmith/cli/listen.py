"""``tunesmith listen``: a blind listening test for oneself and for friends, and what its votes say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.texts import tr_all

VOTES = ".json"
VoteFiles = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE...",
        help=tr_all("Read votes that the page saved, of one person or several, and say what they show."),
    ),
]


def listen(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help=tr_all("One run: base against adapter; several: their adapters against each other and the base."),
        ),
    ],
    *,
    votes: VoteFiles = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help=tr_all("Write the page here.") + " [default: RUN/listen.html]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help=tr_all("Decides sides, order and repeats."))] = 0,
    prompts: Annotated[
        int | None, typer.Option(min=1, help=tr_all("Most prompts. By default as many as make about 40 pairs."))
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=tr_all("Replace a file that is no page of ours."))] = False,
) -> int:
    """Write listen.html, one page of blind pairs to hear anywhere; with --votes, say what people preferred."""
    from tunesmith.cli.stages import opened
    from tunesmith.stages.listen import count_votes, make_page

    # A flag takes one value, and people write `--votes a.json b.json`.
    files = [Path(word) for word in words if word.endswith(VOTES)] if votes else []
    runs = [word for word in words if not (votes and word.endswith(VOTES))]
    if not runs:
        from tunesmith.errors import TunesmithError
        from tunesmith.texts import msg

        raise TunesmithError(msg("name the run that the votes are about"), where="RUN")
    context = opened(runs[0], None, need_recipe=False)
    if votes:
        count_votes(context, [*votes, *files])
    else:
        make_page(context, runs[1:], out=out, seed=seed, prompts=prompts, force=force)
    return 0
