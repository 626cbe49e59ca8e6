"""Arguments that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

Target = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run's name, its folder, or a recipe.yaml. 运行的名字、文件夹或 recipe.yaml。"
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE", help="Any key of the recipe, as in train.learning_rate=5e-5. 覆盖配置中的任意键。"
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Do it again although nothing has changed. 即使没有变化也重做。")]
