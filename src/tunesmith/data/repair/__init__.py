"""Repaired copies of clips: which repairs a clip needs, how each is done, and where the clip lies in the copy."""
