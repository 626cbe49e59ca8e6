"""What the studio reads of run folders, by the house's own readers; it writes nothing there."""
