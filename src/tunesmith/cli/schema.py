"""``tunesmith schema``: the recipe's JSON schema, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def schema(
    family: Annotated[str | None, typer.Option(help="Include this family's `options`. 包含该模型族的选项。")] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file. 写入文件。 [default: standard output]")] = None,
) -> int:
    """Print the JSON schema of recipes; editors complete and check with it.

    输出配置文件的 JSON Schema，供编辑器补全与检查。
    """
    import json

    from tunesmith.files import write_json
    from tunesmith.recipe.schema import json_schema

    found = json_schema(family)
    if out is None:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        write_json(out, found)
    return 0
