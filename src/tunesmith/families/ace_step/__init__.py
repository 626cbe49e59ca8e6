"""ACE-Step v1: music diffusion with tags and lyrics."""
