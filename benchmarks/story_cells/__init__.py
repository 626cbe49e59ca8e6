"""What the story is made of: cells, clips and their damage, wrong objectives, what happens after training."""
