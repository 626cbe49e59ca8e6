"""Sound files in and out: decode, resample, load, write. Pure functions on float32 (channels, frames) arrays."""
