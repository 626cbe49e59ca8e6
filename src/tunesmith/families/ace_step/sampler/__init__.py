"""From noise to latents: schedules, guidance and the tasks on top of them."""
