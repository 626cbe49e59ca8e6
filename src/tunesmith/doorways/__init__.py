"""The commands that people know from other projects' guides, each a thin way into the same stages."""
