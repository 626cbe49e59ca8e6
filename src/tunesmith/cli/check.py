"""``tunesmith check``: the clips, before anything heavy."""

from __future__ import annotations

from tunesmith.cli.arguments import Force, Overrides, Target


def check(target: Target, overrides: Overrides = None, force: Force = False) -> int:
    """Check the clips before anything heavy, quarantine what cannot be used, and split train from held-out.

    在耗时步骤之前检查音频，隔离无法使用的片段，并划分训练集与验证集。
    """
    from tunesmith.cli.stages import do

    return do(target, overrides, ["check"], force=force)
