"""``tunesmith check``: the clips, before anything heavy."""

from __future__ import annotations

from tunesmith.cli.arguments import Force, Overrides, Target
from tunesmith.texts import msg


def check(target: Target, overrides: Overrides = None, force: Force = False) -> int:
    """Check the clips before anything heavy, quarantine what cannot be used, and split train from held-out.

    Exits with 1 when a clip was quarantined, like a linter; `tunesmith run` goes on with the rest.
    """
    from tunesmith.cli.stages import opened
    from tunesmith.records.findings import CheckFindings
    from tunesmith.stages.pipeline import run_stages

    context = opened(target, overrides)
    code = run_stages(context, ["check"], force=force)
    quarantined = CheckFindings.read(context.folder.findings).quarantined
    if code or not quarantined:
        return code
    context.console.log(
        msg(
            "exit code 1: {count} clips are quarantined ({clips}); `tunesmith run` goes on without them",
            count=len(quarantined),
            clips=(*list(quarantined)[:3], *(["…"] if len(quarantined) > 3 else [])),
        )
    )
    return 1
