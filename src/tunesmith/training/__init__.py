"""One loop for every family: schedule, adapters, checkpoints, gates, previews."""
