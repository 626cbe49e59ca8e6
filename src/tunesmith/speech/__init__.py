"""Speech without a family or a run: transcription, text, speaker vectors, durations."""
