"""Long recordings cut into clips: what is heard in them, where they may be cut, and what text goes to which part."""
