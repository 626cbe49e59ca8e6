"""What suits Step-Audio-EditX unless the user says otherwise: targets, stages, prompts of its own kind."""

from __future__ import annotations

from typing import Any

from tunesmith.families.step_audio.config import FLOW, LLM
from tunesmith.families.step_audio.text_checks import CHECKS

LLM_TARGETS = ("q_proj", "k_proj", "v_proj")
FLOW_TARGETS = ("to_q", "to_k", "to_v", "proj", "fc1", "fc2")
MAX_SECONDS = 30.0
"""Over 30 s the model drops clauses; upstream's own advice."""
BASE_PROMPTS = (
    "The weather will be fine tomorrow, with a light wind from the west.",
    "Please leave your message after the tone, and we will call you back.",
    "He walked slowly along the river and thought about what she had said.",
    "Two hundred people came to the opening, more than anyone had hoped for.",
    "今天天气很好，我们一起去公园散步吧。",
    "请在听到提示音后留言，我们会尽快与您联系。",
    "她把窗户打开，让新鲜的空气进来。",
    "这家餐厅的菜很有特色，值得一试。",
)
"""In the base model's two main languages, so that forgetting shows."""
BASE_EDITS = (("speed", "faster"), ("style", "whisper"), ("emotion", "happy"), ("denoise", ""), ("vad", ""))
"""One of every kind whose text stays as it is; fine-tuning on clones alone makes the model forget them."""
LOAD_CODE = """\
# tunesmith's own StepAudioTTS has the interface of Step-Audio-EditX's tts.py
from tunesmith.doorways.step_audio.tokenizer import StepAudioTokenizer
from tunesmith.doorways.step_audio.tts import StepAudioTTS

tts = StepAudioTTS({base}, StepAudioTokenizer({base}))
tts.load_adapter({adapter})
audio, rate = tts.clone("voice.wav", "what the recording says", "what to say")
"""
RECIPE_DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {"max_seconds": MAX_SECONDS, "min_crop_seconds": MAX_SECONDS},
    "checks": CHECKS,
    "adapter": {
        "rank": 8,
        "alpha": 32.0,
        "dropout": 0.05,
        "networks": {FLOW: {"kind": "full", "learning_rate": 1e-5}},
    },
    "evaluate": {"count": 16},
    "train": {
        "batch_size": 2,
        "accumulation": 4,
        "max_grad_norm": 5.0,
        "betas": [0.9, 0.999],
        "ema_decay": 0.99,
        "use_weights": "ema",
        "stages": {
            LLM: {"epochs": 25},
            FLOW: {"epochs": 25},
            "joint": {"epochs": 5, "lr_factor": 0.1},
        },
    },
}
