"""``tunesmith schema``: the recipe's JSON schema, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.texts import tr, tr_all


def schema(
    family: Annotated[str | None, typer.Option(help=tr_all("Include this family's `options`."))] = None,
    out: Annotated[
        Path | None, typer.Option(help=tr_all("Write to this file.") + " [default: standard output]")
    ] = None,
) -> int:
    """Print the JSON schema of recipes; editors complete and check with it."""
    import json

    from tunesmith.files import write_json
    from tunesmith.recipe.schema import json_schema

    found = json_schema(family)
    if out is None:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        write_json(out, found)
        typer.echo(tr("written: {path}", path=out))
    return 0
