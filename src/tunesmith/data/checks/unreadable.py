"""Files that cannot be decoded: missing, empty, cut off, of a foreign format."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding

_ZH = {
    "missing": ("找不到文件，或没有读取权限", "检查路径和权限。"),
    "empty": ("文件是空的，没有声音", "删除它，或重新导出。"),
    "pointer": ("这是 Git LFS 指针，不是声音本身", "运行 `git lfs pull`。"),
    "text": ("这是文本文件，不是音频", "删除它，或换成真正的音频。"),
    "damaged": ("文件损坏或被截断，实际声音比文件头声明的少", "重新复制、下载或导出。"),
    "format": ("没有解码器能读取这个文件", "重新导出，或转换成 WAV。"),
    "ffmpeg": ("这种格式需要 ffmpeg 才能读取", "安装 ffmpeg，或转换成 WAV。"),
    "span": ("起止时间超出了文件长度", "改正 start 和 end。"),
}


def check(context: CheckContext) -> Iterator[Finding]:
    """Error for every audio that could not be read, with the reader's own sentence."""
    for audio in context.audios():
        facts = audio.facts
        if facts.problem:
            message_zh, remedy_zh = _ZH.get(facts.problem, _ZH["format"])
            yield Finding(
                check="unreadable",
                level="error",
                clip=audio.clip,
                message=f"{audio.subject} cannot be read: {facts.reason}",
                remedy=facts.remedy,
                message_zh=f"{audio.subject_zh}无法读取：{message_zh}",
                remedy_zh=remedy_zh,
            )
