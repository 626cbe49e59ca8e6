"""Whether what a prompt says still decides what is heard: by loss under swapped captions, and by asked tempi."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.loss_probes import CaptionGains
from tunesmith.records.run_finding import FindingKind, RunFinding
from tunesmith.texts import msg

NAME = "prompt_followed"
TEMPO = "asked_tempo"
_FEWEST = 6
_ALPHA = 0.02
_LOST = 0.5  # of what captions were worth to the base
_OCTAVE, _SAME = (0.5, 1.0, 2.0), 0.04
_UNHEARD = 0.5  # octaves: where no beat is heard, as far off as can be
_LEAST_OFF = 0.03  # octaves, 2 %: less is the measurement's
_LEAST_MET = 0.25  # of the prompts


def judge(run: RunData) -> list[RunFinding]:
    """Captions are worth clearly less to the adapter than to the base; asked tempi are met more or less often."""
    return [*_by_loss(run), *_by_tempo(run)]


def _by_loss(run: RunData) -> list[RunFinding]:
    probes = run.losses.probes if run.losses else None
    pairs = _pairs(probes.gains, probes.held_out_gains) if probes else []
    if len(pairs) < _FEWEST:
        return []
    base, adapter = (float(np.mean([pair[side] for pair in pairs])) for side in (0, 1))
    if base <= 0 or adapter > (1 - _LOST) * base or _p_value([a - b for b, a in pairs]) > _ALPHA:
        return []
    return [
        RunFinding(
            name=NAME,
            kind="worse",
            title=msg("Listens less to the prompt"),
            sentence=msg(
                "A clip's own caption instead of another's was worth {base:.3f} of loss to the base model, and is "
                "worth {adapter:.3f} with the adapter ({clips} clips): the prompt decides less of what is heard.",
                base=base,
                adapter=adapter,
                clips=len(pairs),
            ),
            evidence={"base": base, "adapter": adapter, "n": len(pairs), "limit": _LOST},
            remedy=msg("Use captions that tell the clips apart, train fewer updates, or use a lower scale."),
        )
    ]


def _pairs(*parts: CaptionGains | None) -> list[tuple[float, float]]:
    known = [pair for part in parts if part for pair in zip(part.base, part.adapter, strict=True)]
    return [(b, a) for b, a in known if b is not None and a is not None and math.isfinite(b) and math.isfinite(a)]


def _p_value(differences: Sequence[float]) -> float:
    """One-sided: that they lie under 0 by more than chance."""
    from scipy.stats import wilcoxon

    moved = [value for value in differences if abs(value) > 1e-9]
    return float(wilcoxon(moved, alternative="less").pvalue) if len(moved) >= _FEWEST else 1.0


def met(asked: float, heard: float | None) -> bool:
    """Whether a tempo is the asked one, half or double of it, within 4 %."""
    return heard is not None and any(abs(heard - asked * octave) <= _SAME * asked * octave for octave in _OCTAVE)


def off(asked: float, heard: float | None) -> float:
    """How far a tempo lies from the asked one or a half, double, … of it, in octaves: 0 to 0.5."""
    if not heard:
        return _UNHEARD
    octaves = math.log2(heard / asked)
    return abs(octaves - round(octaves))


def _by_tempo(run: RunData) -> list[RunFinding]:
    """Tempi come nearer to the asked ones or go away from them, by more than chance, and enough are met or lost by it.

    An output that ignores its prompt is near the asked tempo now and then, but hardly as near as one that follows it.
    """
    tempi = run.sound.tempi if run.sound else ()
    if len(tempi) < _FEWEST or run.base is None:
        return []
    after, before = (sum(met(t.asked, t.adapter) for t in tempi), sum(met(t.asked, t.base) for t in tempi))
    gained, moved = after - before, [off(t.asked, t.adapter) - off(t.asked, t.base) for t in tempi]
    moved = [value for value in moved if abs(value) > _LEAST_OFF]
    towards = [-value for value in moved] if gained < 0 else moved
    if abs(gained) < _LEAST_MET * len(tempi) or _p_value(towards) > _ALPHA:
        return []
    kind: FindingKind = "better" if gained > 0 else "worse"
    return [
        RunFinding(
            name=TEMPO,
            kind=kind,
            title=msg("Asked tempo"),
            sentence=msg(
                "The tempo that the prompt names is heard in {after} of {prompts} outputs (half and double count), "
                "without the adapter in {before}.",
                after=after,
                prompts=len(tempi),
                before=before,
            ),
            evidence={"adapter": after, "base": before, "n": len(tempi)},
        )
    ]
