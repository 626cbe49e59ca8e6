"""Sentences about the data that are no findings: what was decided for the user, said in both languages."""

from __future__ import annotations

Note = dict[str, str]
"""``{"en": …, "zh": …}``, as the findings file and the report hold it."""


def note(en: str, zh: str) -> Note:
    """One sentence in English and Chinese."""
    return {"en": en, "zh": zh}
