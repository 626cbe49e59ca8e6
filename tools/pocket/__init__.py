"""Builders of the pocket models and example clips that ship; not part of the package."""
