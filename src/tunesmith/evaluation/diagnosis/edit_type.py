"""Which kinds of edit got better, worse, or cannot be told apart from before."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.data.sample import CLONE
from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.paired import fewest_pairs
from tunesmith.evaluation.speech.edit_types import LOSS, Compared, EditType, by_edit_type
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import NOTHING, Message, in_turn, msg

_NAMES = {
    "clone": msg("clone"),
    "emotion": msg("emotion"),
    "style": msg("style"),
    "speed": msg("speed"),
    "denoise": msg("denoise"),
    "vad": msg("vad"),
    "paralinguistic": msg("paralinguistic"),
    "pronunciation": msg("pronunciation"),
}


def judge(run: RunData) -> list[RunFinding]:
    """One finding for each edit type that moved, one for all that did not, one for all that cannot be told."""
    types = edit_types(run)
    judgements = ("worse", "better", "unchanged", "unknown")
    by_judgement = {name: [edit_type for edit_type in types if edit_type.judgement == name] for name in judgements}
    return [
        *(_moved(edit_type) for edit_type in by_judgement["worse"] + by_judgement["better"]),
        *_kept(by_judgement["unchanged"]),
        *(_unknown(by_judgement["unknown"], run) if run.base is not None else []),
    ]


def edit_types(run: RunData) -> list[EditType]:
    """Everything compared by edit type; empty in music, and where there is no base to compare with."""
    adapter = [s for s in run.adapter if isinstance(s, SpeechSignals)]
    base = None if run.base is None else [s for s in run.base if isinstance(s, SpeechSignals)]
    if not run.kinds or len(adapter) != len(run.kinds) or (base is not None and len(base) != len(adapter)):
        return []
    clips = [(k, s) for k, s in zip(run.clip_kinds, run.clips, strict=False) if isinstance(s, SpeechSignals)]
    return by_edit_type(run.kinds, base, adapter, clips, run.losses.by_type if run.losses else None)


def name_of(edit_type: str) -> Message:
    """An edit type as a reader knows it."""
    return _NAMES.get(edit_type) or Message.fixed(edit_type)


def _moved(edit_type: EditType) -> RunFinding:
    worse = edit_type.judgement == "worse"
    named = [c for c in edit_type.compared if c.judgement == edit_type.judgement]
    name, measures = name_of(edit_type.name), in_turn([_moved_measure(c) for c in named])
    cloning = edit_type.name == CLONE
    return RunFinding(
        name=f"edit_type_{edit_type.name}",
        kind="worse" if worse else "better",
        title=msg("Edit type: {name}", name=name),
        sentence=msg("Against the base model, {name} got worse: {measures}.", name=name, measures=measures)
        if worse
        else msg("Against the base model, {name} got better: {measures}.", name=name, measures=measures),
        evidence={"outputs": edit_type.outputs} | {c.name: c.adapter - c.base for c in named},
        cause=(_CLONE_CAUSES if cloning else _EDIT_CAUSES) if worse else NOTHING,
        remedy=(_CLONE_REMEDY if cloning else _EDIT_REMEDY) if worse else NOTHING,
    )


def _moved_measure(c: Compared) -> Message:
    return msg(
        "{measure} from {before} to {after} ({span}, {pairs} pairs)",
        measure=c.term,
        before=_number(c, c.base),
        after=_number(c, c.adapter),
        span=_span(c),
        pairs=c.difference.n,
    )


def _number(c: Compared, value: float) -> Message:
    if c.unit == "%":
        return msg("{value:.0f} %", value=100 * value)
    if c.unit:
        return msg("{value:.0f} {unit}", value=value, unit=c.unit)
    return msg("{value:.3f}", value=value) if c.name == LOSS else msg("{value:.2f}", value=value)


def _span(c: Compared) -> Message:
    low, high = c.difference.low, c.difference.high
    if c.unit == "%":
        return msg("{low:+.0f} to {high:+.0f} points", low=100 * low, high=100 * high)
    unit = f" {c.unit}" if c.unit else ""
    return msg("{low:+.3g} to {high:+.3g}{unit}", low=low, high=high, unit=unit)


def _kept(types: Sequence[EditType]) -> list[RunFinding]:
    if not types:
        return []
    names = _names(types)
    return [
        RunFinding(
            name="edit_types_kept",
            kind="same",
            title=msg("Edit types kept"),
            sentence=msg("Against the base model, no difference that matters in: {names}.", names=names),
            evidence={"edit_types": len(types)},
        )
    ]


def _unknown(types: Sequence[EditType], run: RunData) -> list[RunFinding]:
    if not types:
        return []
    names, needed = _names(types), fewest_pairs()
    few = min(edit_type.outputs for edit_type in types) < needed
    count = needed * len(dict.fromkeys(run.kinds)) if few else 2 * len(run.kinds)
    return [
        RunFinding(
            name="edit_types_unknown",
            kind="same",
            title=msg("Cannot be told"),
            sentence=msg("Not every measure of these edit types can be told from these outputs: {names}.", names=names),
            evidence={"outputs": min(edit_type.outputs for edit_type in types), "needed": needed},
            cause=msg("An interval needs {needed} pairs.", needed=needed) if few else _SCATTER,
            remedy=msg("Hold out more samples of them, and set evaluate.count to {count}.", count=count),
        )
    ]


def _names(types: Sequence[EditType]) -> tuple[Message, ...]:
    return tuple(name_of(edit_type.name) for edit_type in types)


_SCATTER = msg("The differences scatter too much.")
_EDIT_CAUSES = msg("Training on other kinds of samples: a model that is tuned on cloning alone forgets how to edit.")
_EDIT_REMEDY = msg(
    "Replay: name edit pairs of this type in data.replay (data.replay_share 0.2 is a start), or stop "
    "earlier and lower the adapter's scale."
)
_CLONE_CAUSES = msg("Too high a learning rate, transcripts that do not match, or too many passes over few clips.")
_CLONE_REMEDY = msg("Check the transcripts, train with a third of the learning rate, and try an earlier checkpoint.")
