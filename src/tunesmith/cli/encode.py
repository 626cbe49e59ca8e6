"""``tunesmith encode``: clips and captions into the cache."""

from __future__ import annotations

from tunesmith.cli.arguments import Force, Overrides, Target


def encode(target: Target, overrides: Overrides = None, force: Force = False) -> int:
    """Encode clips and captions once, into a cache; interrupted encoding goes on where it stopped."""
    from tunesmith.cli.stages import do

    return do(target, overrides, ["encode"], force=force)
