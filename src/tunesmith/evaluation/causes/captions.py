"""Captions do not say what the clips are: handed out at random, they fit the clips as well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.loss_probes import CaptionGains, LossProbes
from tunesmith.records.run_finding import Cause
from tunesmith.texts import Message, msg

_FEWEST = 5
_ALPHA = 0.02
# Of the size of the base's gains. Over all clips good runs leave 0.3 of it and more, captions of others under 0.18; or
# 0.27 where they were learnt by heart, and then nothing on held-out clips.
_LEAST = 0.2
FEWEST_CAPTIONS = 7
"""With fewer, a fit by chance cannot be told from a real one."""
BY_CHANCE = 0.05
"""So many random ways to hand the captions out may fit as well; after good runs it was 3 % at most."""
CLEAR = 0.02
"""With fewer by what is measured first, nothing more is measured. Captions of others pass the first or the whole look
in 5 % together, since what the first lets pass counts in the second (:func:`fit_by_chance`)."""
_DRAWS = 5000


def find(run: RunData) -> Cause | None:
    """Own captions are worth nothing for certain to the base model, and hardly anything to the adapter elsewhere."""
    probes = run.losses.probes if run.losses else None
    if probes is None or run.losses is None or run.losses.adapter_heldout is None:
        return None
    if are_answered(probes.gains, probes.held_out_gains):
        return None
    if tells(probes.assigned):
        return _by_assignment(probes)
    return _by_gains(probes)


def tells(losses: Sequence[Sequence[float | None]]) -> bool:
    """Whether clips under each other's captions are enough, and measured well, for a test."""
    known = np.asarray(losses, float)
    return known.ndim == 2 and len(known) >= FEWEST_CAPTIONS and bool(np.isfinite(known).all())


def is_clear(losses: Sequence[Sequence[float | None]]) -> bool:
    """Whether the first look at clips under each other's captions says that their own ones fit, and is enough."""
    return tells(losses) and fit_by_chance(np.asarray(losses, float))[1] < CLEAR


def are_answered(gains: CaptionGains | None, held_out: CaptionGains | None) -> bool:
    """Whether clips' own captions are worth so much to the adapter that they fit, whatever else is measured."""
    tuned, size = _worth(gains, held_out)
    return size > 0 and tuned >= _LEAST * size


def _worth(gains: CaptionGains | None, held_out: CaptionGains | None) -> tuple[float, float]:
    """What a clip's own caption is worth to the adapter, and the size of the base's gains."""
    before, own = _gains(gains), _gains(held_out)
    size = float(np.mean(np.abs([*before[0], *own[0]] or [0.0])))
    # Training clips may be known by heart under captions of others, and few held-out ones may have captions alike.
    return min(_mean([*before[1], *own[1]]), _mean(own[1]) if own[1] else np.inf), size


def fit_by_chance(losses: np.ndarray, first: np.ndarray | None = None) -> tuple[float, float]:
    """How well clips fit their own captions: a permutation test on what is left beside a clip's and a caption's ease.

    Args:
        losses: ``(n, n)``, the loss of clip ``i`` under the caption of clip ``j``.
        first: The same by the first look alone, which was not clear; ``None`` where there was no further one.

    Returns:
        By how much a clip's own caption is better than others; the share of random assignments that are as good or
        better, or that the first look would have let pass: so both looks together err no more often than one.
    """
    count = len(losses)
    own, drawn = _fits(losses)
    as_good = drawn >= own
    if first is not None:
        at_first = _fits(first)[1]
        as_large = len(at_first) - np.searchsorted(np.sort(at_first), at_first)
        as_good |= as_large / len(at_first) < CLEAR
    return own * count / (count - 1), float(as_good.mean())


def _fits(losses: np.ndarray) -> tuple[float, np.ndarray]:
    """How well the captions fit as they stand, and handed out at random, the same ways every time."""
    left = losses.mean(axis=0) + losses.mean(axis=1)[:, None] - losses - losses.mean()
    rows = np.arange(len(losses))
    ways = np.random.default_rng(0).permuted(np.tile(rows, (_DRAWS, 1)), axis=1)
    found = left[rows, np.concatenate([rows[None], ways])].mean(axis=1)  # all in one, so that equal ways are equal
    return float(found[0]), found[1:]


def _by_assignment(probes: LossProbes) -> Cause | None:
    losses = np.asarray(probes.assigned, float)
    first = np.asarray(probes.assigned_first, float) if tells(probes.assigned_first) else None
    base, chance = fit_by_chance(losses, first)
    tuned, size = _worth(probes.gains, probes.held_out_gains)
    if chance < BY_CHANCE:
        return None
    sentence = msg(
        "Handed out at random, {chance:.0%} of the ways to caption {clips} clips suit the base model as well as yours "
        "or better (after a good run under 5 %), and to the adapter a clip's own caption is worth {tuned:+.3f} (where "
        "captions fit, {least:.3f} or more): the captions belong to other clips, or say nothing of what is heard.",
        chance=chance,
        clips=len(losses),
        tuned=tuned,
        least=_LEAST * size,
    )
    return _cause(sentence, base=base, adapter=tuned, size=size, clips=len(losses), chance=chance)


def _by_gains(probes: LossProbes) -> Cause | None:
    """The same of clips that have too few captions for it: each is held against one other's."""
    if probes.gains is None:
        return None
    trained, held_out = _gains(probes.gains), _gains(probes.held_out_gains)
    base, tuned = [*trained[0], *held_out[0]], [*trained[1], *held_out[1]]
    size = float(np.mean(np.abs(base))) if base else 0.0
    if len(base) < _FEWEST or _is_positive(base) or _mean(tuned) >= _LEAST * size:
        return None
    sentence = msg(
        "The base model predicts your clips no better under their own captions than under those of others, by more "
        "than chance ({base:+.3f} ± {size:.3f} over {clips} clips), and to the adapter they are worth "
        "{tuned:+.3f} (where captions fit, 30 % of {size:.3f} or more): the captions belong to other clips, or say "
        "nothing of what is heard.",
        base=_mean(base),
        size=size,
        clips=len(base),
        tuned=_mean(tuned),
    )
    return _cause(sentence, base=_mean(base), adapter=_mean(tuned), size=size, clips=len(base))


def _cause(sentence: Message, **evidence: float) -> Cause:
    return Cause(
        name="captions",
        title=msg("Captions of other clips"),
        sentence=sentence,
        remedy=msg("Listen to some clips with their captions in view; mend the captions, then train again."),
        evidence=dict(evidence),
    )


def _gains(gains: CaptionGains | None) -> tuple[list[float], list[float]]:
    """Of base and adapter, as far as they are numbers."""
    return ([], []) if gains is None else (_known(gains.base), _known(gains.adapter))


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and np.isfinite(value)]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _is_positive(gains: Sequence[float]) -> bool:
    """Whether own captions help for certain: one-sided Wilcoxon at 2 %."""
    from scipy.stats import wilcoxon

    return bool(wilcoxon(gains, alternative="greater").pvalue < _ALPHA)
