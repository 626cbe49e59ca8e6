"""A doorway into Tunesmith: see train/README.md."""

from tunesmith.doorways.step_audio.guide_models import (
    init_flow_for_finetune,
    init_llm_for_finetune,
    load_flow_weights,
    load_llm_lora_weights,
    prepare_models_for_training,
)

__all__ = [
    "init_flow_for_finetune",
    "init_llm_for_finetune",
    "load_flow_weights",
    "load_llm_lora_weights",
    "prepare_models_for_training",
]
