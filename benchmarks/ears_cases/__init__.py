"""What ``ears.py`` listens to, how it listens, and what the rules say of it."""
