"""``tunesmith generate``: audio from a trained adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.arguments import Force, Overrides, Target


def generate(  # noqa: PLR0913 - flags
    target: Target,
    overrides: Overrides = None,
    *,
    prompt: Annotated[
        list[str] | None, typer.Option(help="What to make; give it again for more. 提示词，可重复。")
    ] = None,
    lyrics: Annotated[str | None, typer.Option(help="Lyrics, or a .txt file of them. 歌词或歌词文件。")] = None,
    task: Annotated[
        str | None, typer.Option(help="What to make of --source: repaint, extend, audio2audio, edit. 任务。")
    ] = None,
    source: Annotated[Path | None, typer.Option(help="Audio to start from, or a voice. 源音频或参考声音。")] = None,
    source_text: Annotated[
        str | None, typer.Option(help="What the source says, or sounds like. 源音频的内容。")
    ] = None,
    edit: Annotated[
        str | None, typer.Option(help="An edit of speech, TYPE or TYPE:AIM (emotion:happy). 语音编辑类型。")
    ] = None,
    span: Annotated[
        tuple[float, float] | None, typer.Option(help="Seconds of the source: START END. 源音频的时间段。")
    ] = None,
    lora: Annotated[
        list[str] | None, typer.Option(help="Another adapter, FILE:STRENGTH; again for more. 其他适配器，可重复。")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", "--duration", help="Length of each. 时长（秒）。")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Item i uses seed + i. 随机种子。")] = None,
    format: Annotated[str | None, typer.Option(help="wav, flac or mp3. 文件格式。")] = None,
    adapter_scale: Annotated[float | None, typer.Option(help="0 is the base model, 1 as trained. 适配器强度。")] = None,
    out: Annotated[Path | None, typer.Option(help="Also copy the audio here. 另存到此文件夹。")] = None,
    force: Force = False,
) -> int:
    """Make audio with the trained adapter; without --prompt, from the held-out captions.

    用训练好的适配器生成音频；不给 --prompt 时使用验证集的文字说明。
    """
    from tunesmith.cli.flags import as_overrides
    from tunesmith.cli.stages import opened
    from tunesmith.stages.pipeline import run_stages

    flags = as_overrides("generate", prompt, seconds=seconds, seed=seed, format=format, adapter_scale=adapter_scale)
    flags += as_overrides("generate", None, lyrics=absolute(lyrics), source=absolute(source), span=span, loras=lora)
    kind, _, aim = (edit or "").partition(":")
    flags += as_overrides("generate", None, source_prompt=source_text)
    flags += as_overrides("options", None, task=task, edit_type=kind or None, edit_info=aim or None)
    context = opened(target, [*(overrides or ()), *flags])
    code = run_stages(context, ["generate"], force=force)
    if out is not None:
        copy_audio(context.folder.generated, out)
        context.console.log(f"copied to {out}")
    return code


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
