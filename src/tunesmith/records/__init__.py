"""Typed models of what lies on disk or crosses rooms, and the base of every settings section."""
