"""``tunesmith merge-cache``: shares of checking and encoding become one."""

from __future__ import annotations

from tunesmith.cli.arguments import Overrides, Target


def merge_cache(target: Target, overrides: Overrides = None) -> int:
    """Join what `check --shard` or `encode --shard` made: the same files as one process writes without them.

    It refuses while a share is missing, not done, or of another recipe. It may be repeated.
    """
    from tunesmith.cli.stages import opened
    from tunesmith.stages.merge_shards import merge_shards

    return merge_shards(opened(target, overrides))
