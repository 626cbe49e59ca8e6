"""What votes of a listening test say: preference, strength, agreement, and how many more votes would tell."""
