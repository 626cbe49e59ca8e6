"""A run: its folder, its stages, and how it speaks."""
