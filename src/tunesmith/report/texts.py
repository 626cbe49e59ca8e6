"""Every fixed sentence of the report in English and Chinese, and the ways to pick the words out of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tunesmith.report.signal_texts import SIGNALS
from tunesmith.report.speech_texts import SPEECH_TEXTS
from tunesmith.texts import Message


class Both(NamedTuple):
    """The same words in English and Chinese."""

    en: str
    zh: str


def say(key: str, **values: Any) -> Both:
    """The sentence ``key`` with ``values`` put in.

    Raises:
        KeyError: when the catalogue has no such sentence.
    """
    en, zh = TEXTS[key]
    return Both(en.format(**values), zh.format(**values)) if values else Both(en, zh)


def both(record: Any, key: str) -> Both | None:
    """Words out of a record: ``{"en", "zh"}`` under ``key``, or text under ``key`` and ``key_zh``; else ``None``.

    Where one language is missing the other stands in, so that nothing goes unsaid.
    """
    if not isinstance(record, Mapping):
        return None
    value = record.get(key)
    if isinstance(value, Mapping) and "id" in value:
        message = Message.from_json(value)
        return Both(message.render("en"), message.render("zh"))
    if isinstance(value, Mapping):
        en, zh = value.get("en"), value.get("zh")
    else:
        en, zh = value, record.get(f"{key}_zh")
    en, zh = (text if isinstance(text, str) and text.strip() else "" for text in (en, zh))
    return Both(en or zh, zh or en) if en or zh else None


def word(kind: str, name: Any) -> Both:
    """A term of a closed list (``kind`` ``level``, ``status``…); one that is not in the catalogue stands as it is."""
    key = f"{kind}_{name}"
    return say(key) if key in TEXTS else same(name)


def signal(name: Any, *, unit: bool = True) -> Both:
    """What a measured number is called, with its unit; its own name where the catalogue has none."""
    if not isinstance(name, str) or name not in SIGNALS:
        return same(name)
    en, zh, its_unit = SIGNALS[name]
    return Both(f"{en}, {its_unit}", f"{zh}（{its_unit}）") if unit and its_unit else Both(en, zh)


def same(value: Any) -> Both:
    """Words that need no translation."""
    return Both(str(value), str(value))


TEXTS: dict[str, tuple[str, str]] = SPEECH_TEXTS | {
    # page
    "title": ("Report on {name}", "{name} 的报告"),
    "subtitle": ("Fine-tuning report", "微调报告"),
    "made": ("Made {when} with Tunesmith {version}", "由 Tunesmith {version} 于 {when} 生成"),
    "skip": ("Skip to the results", "跳到结果"),
    "contents": ("Contents", "目录"),
    "problems": ("Some files of this run could not be read", "本次运行中有文件无法读取"),
    "show_all": ("Show all of it", "显示全文"),
    "none": ("None.", "无。"),
    "more_rows": ("{n} more, in {where}.", "另有 {n} 条，见 {where}。"),
    # verdict
    "sec_verdict": ("Verdict", "结论"),
    "learnt": ("What was learnt", "学到了什么"),
    "worse": ("What got worse", "什么变差了"),
    "next": ("What to do next", "下一步"),
    "worse_none": (
        "Nothing that these measurements can see. Listen before you believe it.",
        "就这些测量而言没有。请先亲耳听过再下结论。",
    ),
    "verdict_none": ("The evaluation came to no verdict.", "评估没有得出结论。"),
    "state_empty": ("Nothing has been done yet in this folder.", "此文件夹中尚未进行任何步骤。"),
    "state_checked": ("The clips have been checked. Nothing has been trained yet.", "音频已检查，尚未训练。"),
    "state_training": (
        "Training has reached update {update} and has not finished: it is under way, or was interrupted.",
        "训练已到第 {update} 次更新，尚未结束：正在进行，或已被中断。",
    ),
    "state_trained": (
        "Training is done. Whether it worked is not known yet: base and adapter have not been compared.",
        "训练已完成。是否有效尚不清楚：基础模型与适配器还没有对比过。",
    ),
    "state_next": ("Not evaluated yet. Run this next:", "尚未评估。接下来请运行："),
    "head_loss": ("Held-out loss, base → adapter", "验证损失，基础 → 适配器"),
    "head_loss_run": ("Held-out loss, first → best", "验证损失，最初 → 最佳"),
    "head_best": ("Best update", "最佳更新步"),
    "head_best_of": ("of {n}", "共 {n} 步"),
    "head_clips": ("Clips used", "使用的音频"),
    "head_quarantined": ("{n} quarantined", "隔离 {n} 个"),
    "head_time": ("Training time", "训练用时"),
    "head_flags": ("Outputs with a flag, base → adapter", "被标记的输出，基础 → 适配器"),
    # listen
    "sec_listen": ("Listen", "试听"),
    "listen_intro": (
        "Each row is one prompt, made by the base model and with the adapter from the same seed. Each picture shows "
        "frequency over time (kHz) and below it the loudness (LUFS). Axes and colours are shared within a row. "
        "Click a picture to play from there.",
        "每行是一条提示词，由基础模型和加了适配器的模型以相同种子生成。图的上半部为频率（kHz）随时间的变化，下半部为响度（LUFS）。"
        "同一行内坐标与颜色一致。点击图片可从该处播放。",
    ),
    "listen_settings": ("{seconds} s each, first seed {seed}.", "每段 {seconds} 秒，起始种子 {seed}。"),
    "listen_guidance": ("Guidance {guidance}.", "引导系数 {guidance}。"),
    "audio_embedded": (
        "The players hold compressed copies, so this page works anywhere. The originals lie beside it, as named.",
        "播放器内为压缩副本，因此本页可在任何地方使用。原文件按所示名称存放在本页旁边。",
    ),
    "audio_linked": (
        "The players read the files beside this page. Keep the page in its folder.",
        "播放器读取本页旁边的文件，请勿将本页移出其文件夹。",
    ),
    "side_base": ("Base", "基础模型"),
    "side_adapter": ("Adapter", "适配器"),
    "side_reference": ("Reference", "参考"),
    "side_generated": ("Adapter", "适配器"),
    "own_clips": ("Your own clips", "你自己的音频"),
    "generated": ("Generated with the adapter", "用适配器生成"),
    "no_audio": ("No audio", "没有音频"),
    "not_compared": ("The base model was not run.", "未运行基础模型。"),
    "unreadable": ("This file cannot be played ({why}).", "此文件无法播放（{why}）。"),
    "no_flags": ("No flags", "无标记"),
    "flag_numbers": ("{value}, limit {limit}", "{value}，限值 {limit}"),
    "seed": ("seed {seed}", "种子 {seed}"),
    "kind_held_out": ("held-out caption", "验证集描述"),
    "kind_user": ("your prompt", "你的提示词"),
    "kind_built_in": ("built-in prompt", "内置提示词"),
    "kind_base_style": ("base-style prompt", "基础风格提示词"),
    "measured": ("Measured", "测量值"),
    "shown_of": ("The picture shows the first {shown} of {total} s.", "图中为 {total} 秒中的前 {shown} 秒。"),
    "picture_of": (
        "Spectrogram over {seconds} s and loudness from {low} to {high} LUFS",
        "{seconds} 秒频谱图，响度 {low} 至 {high} LUFS",
    ),
    "play": ("Play {what}", "播放{what}"),
    # findings
    "sec_findings": ("Findings", "发现"),
    "findings_none": ("The comparison found nothing to report.", "对比没有发现值得报告之处。"),
    "finding_better": ("Better", "变好"),
    "finding_worse": ("Worse", "变差"),
    "finding_broken": ("Broken", "损坏"),
    "finding_same": ("Unchanged", "不变"),
    "cause": ("Likely cause", "可能原因"),
    "remedy": ("What to do", "对策"),
    "evidence": ("Evidence", "依据"),
    "features": ("Did the sound move towards your clips?", "声音是否向你的音频靠近？"),
    "features_intro": (
        "Medians over all prompts. Closer means: nearer to the reference than the base was.",
        "各提示词的中位数。“更近”指比基础模型更接近参考。",
    ),
    "feature": ("Feature", "特征"),
    "unit": ("Unit", "单位"),
    "direction_towards": ("closer", "更近"),
    "direction_away": ("further away", "更远"),
    "direction_unchanged": ("about the same", "大致不变"),
    "direction_not": ("not closer", "未更近"),
    "towards": ("Towards the reference", "向参考靠近"),
    "losses": ("Held-out loss", "验证损失"),
    "losses_intro": (
        "Lower is better: how surprised the model is by clips it was not trained on.",
        "越低越好：模型对未训练过的音频有多“意外”。",
    ),
    "losses_random": ("A uniform guess would score {loss}.", "均匀猜测的损失为 {loss}。"),
    "loss_held_out": ("Held-out clips", "验证音频"),
    "loss_base_style": ("Base-style prompts (forgetting)", "基础风格提示词（遗忘）"),
    "loss_change": ("Change", "变化"),
    "measure": ("Measure", "指标"),
    # done
    "sec_done": ("What was done", "做了什么"),
    "model": ("Base model", "基础模型"),
    "licence": ("Its licence", "其许可证"),
    "parameters": ("Its parameters", "其参数量"),
    "family": ("Family", "模型族"),
    "adapter": ("Adapter", "适配器"),
    "adapter_value": (
        "{kind}, rank {rank}, alpha {alpha}, dropout {dropout}",
        "{kind}，秩 {rank}，alpha {alpha}，dropout {dropout}",
    ),
    "targets": ("Trained modules", "训练的模块"),
    "adapter_full": ("{name}: trained itself", "{name}：直接训练"),
    "adapter_own": ("{name}: {kind}, rank {rank}", "{name}：{kind}，秩 {rank}"),
    "updates": ("Updates", "更新次数"),
    "updates_value": ("{done} of {planned}", "{done} / {planned}"),
    "learning_rate": ("Peak learning rate", "峰值学习率"),
    "batch": ("Effective batch", "有效批量"),
    "batch_value": (
        "{batch} clips × {accumulation} micro-batches = {total}",
        "{batch} 个音频 × {accumulation} 个微批 = {total}",
    ),
    "precision": ("Precision", "精度"),
    "device": ("Device", "设备"),
    "random_seed": ("Seed", "随机种子"),
    "weights": ("Weights evaluated and exported", "评估与导出的权重"),
    "weights_raw": ("as trained", "训练所得"),
    "weights_ema": ("moving average", "滑动平均"),
    "speed": ("Speed", "速度"),
    "speed_value": ("{n} tokens per second", "每秒 {n} 个 token"),
    "skipped": ("Skipped updates", "跳过的更新"),
    "events": ("Events", "事件"),
    "event_warmup_cut": ("warm-up cut", "缩短预热"),
    "event_resumed": ("resumed", "恢复"),
    "event_early_stop": ("early stop", "提前停止"),
    "event_interrupted": ("interrupted", "中断"),
    "event_nonfinite": ("non-finite", "非有限值"),
    "event_saved": ("saved", "已保存"),
    "event_no_best": ("no best", "无最佳"),
    "event_finished": ("finished", "完成"),
    "update": ("Update", "更新步"),
    "event": ("Event", "事件"),
    "message": ("Message", "说明"),
    "gates": ("Gates before the first update", "首次更新前的关卡"),
    "gate": ("Gate", "关卡"),
    "gate_base_loss": ("base loss", "基础损失"),
    "gate_layout": ("token layout", "token 布局"),
    "gate_train_equals_eval": ("train equals eval", "训练与评估一致"),
    "gate_trained_frames": ("trained frames", "参与训练的帧"),
    "gate_warmup": ("warm-up", "预热"),
    "gate_leakage": ("leakage", "泄漏"),
    "status": ("Status", "状态"),
    "status_pass": ("passed", "通过"),
    "status_warn": ("warning", "警告"),
    "status_stop": ("stopped", "停止"),
    "status_off": ("off", "关闭"),
    "value": ("Value", "值"),
    "limit": ("Limit", "限值"),
    # curves
    "sec_curves": ("Curves", "曲线"),
    "chart_loss": ("Loss by update; the ring marks the best held-out loss", "各更新步的损失；圆圈为最佳验证损失"),
    "chart_codebooks": ("Held-out loss by codebook or noise level", "各码本或噪声水平的验证损失"),
    "chart_rate": ("Learning rate", "学习率"),
    "chart_forgetting": (
        "Loss on base-style prompts; rising means the base's skill is being forgotten",
        "基础风格提示词上的损失；上升表示正在遗忘基础能力",
    ),
    "chart_random_drawn": ("Dashed: a uniform guess.", "虚线：均匀猜测。"),
    "chart_random_above": ("A uniform guess lies above this chart.", "均匀猜测在图的上方之外。"),
    "curve_train": ("train", "训练"),
    "curve_valid": ("held-out", "验证"),
    "curves_none": ("No training has been recorded.", "没有训练记录。"),
    # previews
    "sec_previews": ("Previews over time", "训练过程预览"),
    "previews_intro": (
        "The same prompts and seeds while it trained, so that a change is the adapter's and not chance.",
        "训练过程中始终使用相同的提示词和种子，因此变化来自适配器而非偶然。",
    ),
    "step": ("Update {n}", "第 {n} 步"),
    "best_mark": ("best", "最佳"),
    "steps_left_out": (
        "{n} previews between these are left out here; they are in the folder previews.",
        "其间有 {n} 次预览未在此显示，见 previews 文件夹。",
    ),
    "problem_not_finite": ("Broken samples (NaN or infinity)", "样本损坏（NaN 或无穷）"),
    "problem_silent": ("Silent", "静音"),
    "problem_noise": ("Noise", "噪声"),
    "problem_fade": ("Fades out", "淡出"),
    "problem_dead_tail": ("Ends early: the rest is dead", "提前结束：其余为死尾"),
    "sound_ok": ("No warning", "无警告"),
    # data
    "sec_data": ("Data", "数据"),
    "data_none": ("The clips have not been checked.", "音频尚未检查。"),
    "layout": ("Layout", "布局"),
    "clips_kept": ("Clips kept", "保留的音频"),
    "clips_train": ("Train", "训练"),
    "clips_valid": ("Held out", "验证"),
    "clips_seconds": ("Length in all", "总时长"),
    "split_kind": ("How the split was made", "划分方式"),
    "split_given": ("as the files say", "按文件给定"),
    "split_by_source": ("by source track", "按来源曲目"),
    "split_within_track": ("within tracks, with a gap", "在曲目内部划分，中间留空隙"),
    "split_none": ("no held-out clips", "没有验证音频"),
    "notes": ("Notes", "备注"),
    "quarantined": ("Quarantined clips, with the reason", "被隔离的音频及原因"),
    "quarantined_none": ("No clip was quarantined.", "没有音频被隔离。"),
    "check_findings": ("What the checks found", "检查结果"),
    "check_none": ("The checks found nothing.", "检查未发现问题。"),
    "clip": ("Clip", "音频"),
    "whole_set": ("the whole set", "整个数据集"),
    "reason": ("Reason", "原因"),
    "level": ("Level", "级别"),
    "level_error": ("error", "错误"),
    "level_warn": ("warning", "警告"),
    "level_info": ("note", "提示"),
    "check_count": ("findings: {n}", "{n} 条"),
    # codec
    "sec_codec": ("Codec ceiling", "编解码器上限"),
    "codec_intro": (
        "Your clips through the codec and back, with no model between: no output can sound better than this.",
        "你的音频仅经编解码器编码再解码，中间没有模型：任何输出都不会比这更好。",
    ),
    "codec_snr": ("Signal to noise", "信噪比"),
    "codec_band": ("Bandwidth", "带宽"),
    "codec_clips": ("Clips measured", "测量的音频数"),
    # recipe
    "sec_recipe": ("Recipe and how to go on", "配方与后续使用"),
    "recipe_full": ("The whole recipe", "完整配方"),
    "recipe_none": ("This folder holds no recipe.", "此文件夹中没有配方。"),
    "environment": ("Environment", "环境"),
    "plan": ("The plan before training", "训练前的计划"),
    "load": ("Load the adapter in plain PEFT", "用 PEFT 直接加载适配器"),
    "load_none": ("No adapter has been saved yet.", "尚未保存适配器。"),
    "load_note": (
        "The base weights' licence ({licence}) also holds for what you make with them.",
        "基础权重的许可证（{licence}）同样适用于你用它制作的内容。",
    ),
    "commands": ("The commands of each stage", "各阶段命令"),
    "stage": ("Stage", "阶段"),
    "stage_check": ("check", "检查"),
    "stage_encode": ("encode", "编码"),
    "stage_train": ("train", "训练"),
    "stage_generate": ("generate", "生成"),
    "stage_evaluate": ("evaluate", "评估"),
    "stage_report": ("report", "报告"),
    "took": ("Took", "用时"),
    "summary": ("Result", "结果"),
    "command": ("Command", "命令"),
    "stage_this": ("this page", "本页"),
    "stage_missing": ("not done yet", "尚未进行"),
}
"""Key to (English, Chinese); both with the same places to fill."""
