"""``tunesmith demo``: the whole road in minutes, with what ships."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    family: Annotated[str, typer.Option(help="Which pocket model. 使用哪个小模型。")] = "musicgen",
    out: Annotated[Path | None, typer.Option(help="Where to keep the run. 运行保存的位置。")] = None,
) -> int:
    """Fine-tune the pocket model on the example clips and write a report: minutes on a CPU, no download.

    用附带的小模型和示例音频完整演示一遍并写出报告：CPU 上几分钟，无需下载。
    """
    from tunesmith.stages.demo import demo as show

    return show(family, out)
