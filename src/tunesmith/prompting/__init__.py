"""Which prompts, voices and base-style prompts a run generates with."""
