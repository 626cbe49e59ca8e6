"""Labels for clips that have none: measured from the sound, or asked of a model that listens."""
