"""Recordings are levelled, trimmed and encoded by Tunesmith's front end, ``families/step_audio/frontend.py``."""

from tunesmith.doorways.step_audio.pairs_dataset import load_audio
from tunesmith.families.step_audio.parts.mel import log_mel
from tunesmith.families.step_audio.parts.trim import prepare_voice

__all__ = ["load_audio", "log_mel", "prepare_voice"]
