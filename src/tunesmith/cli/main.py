"""``tunesmith``: the verbs, and how every one of them ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from tunesmith import __version__
from tunesmith.cli import pocket, presets
from tunesmith.cli.check import check
from tunesmith.cli.demo import demo
from tunesmith.cli.encode import encode
from tunesmith.cli.evaluate import evaluate
from tunesmith.cli.export import export
from tunesmith.cli.generate import generate
from tunesmith.cli.guard import Verbs, explain
from tunesmith.cli.info import info
from tunesmith.cli.label import label
from tunesmith.cli.new import new
from tunesmith.cli.plan import plan
from tunesmith.cli.report import report
from tunesmith.cli.run import run
from tunesmith.cli.schema import schema
from tunesmith.cli.train import train

VERBS = (
    (new, "Look at your clips, write a recipe · 查看音频，写出配置"),
    (run, "Every stage of a run · 依次完成全部阶段"),
    (label, "Tags and descriptions for clips · 为音频生成标签"),
    (check, "Check and split the clips · 检查并划分音频"),
    (encode, "Encode clips and captions once · 编码并缓存"),
    (train, "Train the adapter · 训练适配器"),
    (generate, "Make audio with it · 生成音频"),
    (evaluate, "Compare base and adapter · 比较基座与适配器"),
    (report, "Write report.html · 写出报告"),
    (demo, "The whole road in minutes · 几分钟完整演示"),
    (export, "The adapter for other tools · 导出适配器"),
    (plan, "Memory, disk and time · 估算内存、磁盘与时间"),
    (schema, "JSON schema for editors · 编辑器用的 JSON Schema"),
    (info, "This machine and installation · 本机与安装信息"),
)

app = typer.Typer(
    cls=Verbs,
    name="tunesmith",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: importing rich would cost a third of the start
    help="Fine-tune generative audio models on your own clips, and hear honestly whether it worked.\n\n"
    "用自己的音频微调生成模型，并如实听到效果。\n\n"
    "Begin: tunesmith demo · tunesmith new mybeats --from ~/beats · tunesmith run mybeats",
)
for _verb, _short in VERBS:
    app.command(short_help=_short)(_verb)
app.add_typer(presets.app, name="presets", short_help="Values to start from · 预设")
app.add_typer(pocket.app, name="pocket", short_help="The tiny models that ship · 随附的小模型")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tunesmith {__version__}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version. 输出版本。")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a failure (anywhere). 出错时显示回溯。")
    ] = False,
) -> None:
    """Options of every verb; :func:`main` takes ``--debug`` out before Typer sees it, so it may stand anywhere."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: Instead of ``sys.argv[1:]``.

    Returns:
        The exit code: 0, 1 for a failure that was explained, 2 for a wrong command line, 70 for a bug, 130 for Ctrl-C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without Chinese letters gets question marks, not a crash
            stream.reconfigure(errors="replace")
    command: Any = typer.main.get_command(app)
    try:
        code = command.main([one for one in given if one != "--debug"], prog_name="tunesmith", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        return explain(error, debug=debug)
    return code if isinstance(code, int) else 0
