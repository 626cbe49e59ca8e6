"""Whether the outputs as a set came nearer to the person's clips, or left them."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import FindingKind, RunFinding
from tunesmith.records.sound_comparison import SetDistance
from tunesmith.texts import NOTHING, msg

NAME = "distance"
_CLEAR = 4.0  # spreads of the null: clips of one kind drawn anew stay under 3
_CLEAR_BY_EARS = 6.0
"""The same where a learned ear hears too: two draws of eight crops of one game's music pass 4 in 8 % and 6 in
2 % (eight games, on which the limit was chosen)."""


def judge(run: RunData) -> list[RunFinding]:
    """The distance changed by over four spreads, six by learned ears, of what the person's clips are apart."""
    sound = run.sound
    if sound is None or sound.base is None or sound.adapter is None:
        return []
    before, after, null = sound.base.value, sound.adapter.value, sound.adapter
    if before is None or after is None or null.null_spread is None or null.null_mean is None:
        return []
    moved = (after - before) / max(null.null_spread, 1e-9)
    if abs(moved) < (_CLEAR_BY_EARS if sound.ears else _CLEAR):
        return []
    kind: FindingKind = "better" if moved < 0 else "worse"
    return [
        RunFinding(
            name=NAME,
            kind=kind,
            title=msg("Distance to your clips"),
            sentence=msg(
                "As a set, the outputs' distance to your clips went from {before:.1f} to {after:.1f}; your clips are "
                "{null:.1f} ± {spread:.1f} apart among themselves ({outputs} outputs, {clips} clips).",
                before=before,
                after=after,
                null=null.null_mean,
                spread=null.null_spread,
                outputs=null.clips,
                clips=null.reference,
            ),
            evidence=_evidence(sound.base, sound.adapter),
            remedy=msg("Listen to the pairs, and compare an earlier checkpoint.") if kind == "worse" else NOTHING,
        )
    ]


def _evidence(base: SetDistance, adapter: SetDistance) -> dict[str, float | int | None]:
    return {
        "base": base.value,
        "adapter": adapter.value,
        "null": adapter.null_mean,
        "spread": adapter.null_spread,
        "outputs": adapter.clips,
        "clips": adapter.reference,
    }
