"""The networks of ACE-Step v1: exact names and shapes of the published checkpoint."""
