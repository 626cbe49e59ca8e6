"""``tunesmith encode``: clips and captions into the cache."""

from __future__ import annotations

from tunesmith.cli.arguments import Force, OnCluster, Overrides, ShareOfClips, Target


def encode(
    target: Target,
    overrides: Overrides = None,
    force: Force = False,
    shard: ShareOfClips = None,
    on: OnCluster = None,
) -> int:
    """Encode clips and captions once, into a cache; interrupted encoding goes on where it stopped.

    With --shard every process encodes its share; `tunesmith merge-cache` joins them.
    """
    from tunesmith.cli.stages import do, do_on_ray, do_shard, opened, refuse_both

    refuse_both(shard, on)
    if on is not None:
        return do_on_ray(opened(target, overrides), ["encode"], force=force)
    if shard is not None:
        return do_shard(target, overrides, "encode", shard, force=force)
    return do(target, overrides, ["encode"], force=force)
