"""Measurements of audio: loudness, spectrum, waveform, structure."""
