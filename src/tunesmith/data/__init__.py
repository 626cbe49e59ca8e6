"""From a person's folder of audio to checked, split, encoded and batched samples."""
