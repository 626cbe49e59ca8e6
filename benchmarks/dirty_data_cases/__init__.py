"""Clean clips, and the faults that are planted in them, for ``dirty_data.py``."""
