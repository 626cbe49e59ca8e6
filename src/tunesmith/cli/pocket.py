"""``tunesmith pocket``: the tiny models that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The tiny models that ship.\n\n随附的小模型。", no_args_is_help=True, rich_markup_mode=None)
FamilyName = Annotated[str, typer.Argument(help="Which one: musicgen, ace_step or step_audio. 哪一个。")]
FAMILIES = ("musicgen", "ace_step", "step_audio")


@app.command("build")
def build(
    family: FamilyName = "musicgen",
    out: Annotated[
        Path | None, typer.Option(help="The folder to make. 输出文件夹。 [default: where the shipped one is]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Fixes corpus, weights and batches. 随机种子。")] = 0,
    minutes: Annotated[
        float | None, typer.Option(help="Time for training. 训练时长（分钟）。 [default: 40, 69 or 130]")
    ] = None,
) -> int:
    """Pretrain a pocket model from nothing, on music or speech that is synthesised here (speech by espeak-ng).

    从零预训练小模型：音乐由本项目合成，语音由 espeak-ng 合成。
    """
    from tunesmith.errors import TunesmithError

    known(family)
    if minutes is not None and not minutes > 0:
        raise TunesmithError(f"{minutes:g} minutes is no time to train", where="--minutes", remedy="Give more than 0.")
    target = out or shipped(family)
    if family == "musicgen":
        from tools.pocket.musicgen.build import build as build_musicgen

        build_musicgen(target, seed=seed, minutes=minutes)
    elif family == "ace_step":
        from tools.pocket.ace_step.build import build as build_ace_step

        build_ace_step(target, seed=seed, minutes=minutes)
    else:
        from tools.pocket.step_audio.build import build as build_step_audio

        build_step_audio(target, seed=seed, minutes=minutes)
    typer.echo(f"written: {target}")
    return 0


@app.command("info")
def info(family: FamilyName = "musicgen") -> int:
    """Tell what a pocket model is and how good.

    介绍小模型及其指标。
    """
    from tunesmith.pocket.examples import pocket_path

    known(family)
    folder = pocket_path(family)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    typer.echo(f"{folder} ({size / 1e6:.1f} MB)")
    numbers = folder / "NUMBERS.md"
    if numbers.exists():
        typer.echo(numbers.read_text(encoding="utf-8"))
    return 0


def known(family: str) -> None:
    """Refuse a family that has no pocket model.

    Raises:
        TunesmithError: when it has none.
    """
    from tunesmith.errors import TunesmithError

    if family not in FAMILIES:
        raise TunesmithError(f"there is no pocket model of `{family}`", remedy=f"There are {', '.join(FAMILIES)}.")


def shipped(family: str) -> Path:
    """Where the pocket model of a family ships."""
    import tunesmith.pocket

    return Path(tunesmith.pocket.__path__[0]) / family
