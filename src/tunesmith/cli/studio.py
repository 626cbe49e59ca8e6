"""``tunesmith studio``: the page on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.texts import tr_all


def studio(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help=tr_all("Where to listen; the first free one from 8420 on by default.")),
    ] = None,
    host: Annotated[
        str, typer.Option(help=tr_all("The address to listen on; others than this machine need --allow-host too."))
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=tr_all("A name by which other machines may address it; may be repeated.")),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help=tr_all("Open no browser."))] = False,
) -> int:
    """Open one local page over the runs in this folder: watch, start and stop them; jobs go on without the page."""
    from tunesmith.studio.serve import serve

    return serve(port=port, host=host, allow=tuple(allow_host or ()), browser=not no_browser)
