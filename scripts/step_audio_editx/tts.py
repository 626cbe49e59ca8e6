"""A doorway into Tunesmith: see train/README.md beside this file."""

from tunesmith.doorways.step_audio.tts import StepAudioTTS

__all__ = ["StepAudioTTS"]
