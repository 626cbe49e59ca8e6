"""Spoken clips as training material: measured, heard, and held against their texts and each other."""
