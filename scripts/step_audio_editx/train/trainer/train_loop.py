"""A doorway into Tunesmith: the loop is ``tunesmith/training/loop.py``; this runs it as finetune_demo.py does."""

from tunesmith.doorways.step_audio.guide_models import train_llm_flow

__all__ = ["train_llm_flow"]
