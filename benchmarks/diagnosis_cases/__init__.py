"""Clean clips, planted failures and null runs for ``diagnosis.py``."""
