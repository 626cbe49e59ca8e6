"""The report's sentences about speech, in English and Chinese."""

from __future__ import annotations

SPEECH_TEXTS: dict[str, tuple[str, str]] = {
    "edit_types": ("By edit type", "按编辑类型"),
    "edit_types_intro": (
        "Means over the outputs of each edit type. The interval is that of adapter minus base over the pairs (98 %, "
        "signed-rank). Better and worse need an interval beyond no change, and a size that matters.",
        "每种编辑类型输出的平均值。区间为适配器减基础模型的成对差异（98%，符号秩）。“变好”“变差”须区间不含零且幅度有实际意义。",
    ),
    "edit_types_heard": (
        "{rate} by {name}: characters or words wrong over those written; pauses and punctuation do not count.",
        "{rate} 由 {name} 得出：错误的字或词占文本字词数的比例，不计停顿和标点。",
    ),
    "edit_types_unheard": (
        "No Whisper weights were on this machine, so no error rate: words left out are judged by the length of speech.",
        "本机没有 Whisper 权重，因此没有错误率：漏读由语音时长判断。",
    ),
    "edit_types_voice": ("Likeness of voices by {name}, −1 to 1.", "音色相似度由 {name} 得出，范围 −1 至 1。"),
    "edit_type": ("Edit type", "编辑类型"),
    "edit_outputs": ("{n} outputs", "{n} 个输出"),
    "edit_interval": ("Adapter − base", "适配器 − 基础"),
    "edit_pairs": ("{n} pairs", "{n} 对"),
    "side_recording": ("Recording", "真实录音"),
    "judgement": ("Judgement", "判断"),
    "judgement_better": ("better", "变好"),
    "judgement_worse": ("worse", "变差"),
    "judgement_unchanged": ("unchanged", "不变"),
    "judgement_unknown": ("cannot be told", "无法判断"),
    "edit_clone": ("clone", "克隆"),
    "edit_emotion": ("emotion", "情绪"),
    "edit_style": ("style", "风格"),
    "edit_speed": ("speed", "语速"),
    "edit_denoise": ("denoise", "降噪"),
    "edit_vad": ("vad (silence removed)", "去静音"),
    "edit_paralinguistic": ("paralinguistic", "副语言"),
    "edit_pronunciation": ("pronunciation", "发音"),
    "side_source": ("Prompt", "提示音频"),
    "heard": ("Heard: {text}", "听写：{text}"),
    "heard_nothing": ("Heard: nothing", "听写：无"),
    "listen_seed": ("First seed {seed}.", "起始种子 {seed}。"),
}
"""Key to (English, Chinese), as in :data:`tunesmith.report.texts.TEXTS`."""
