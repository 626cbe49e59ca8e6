"""What the evaluation says beyond its verdict: findings, features, losses, edit types and the codec's ceiling."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.ears.catalogue import DNSMOS, GE2E, WHISPER_TINY_EN, install_command
from tunesmith.records.comparison import ComparedLosses, FeatureResult
from tunesmith.records.loss_probes import LossProbes
from tunesmith.records.run_finding import RunFinding
from tunesmith.records.speech_comparison import MeasureResult, SpeechComparison
from tunesmith.report.field_names import loss_term, worded
from tunesmith.report.gather import ReportData
from tunesmith.report.numbers import UNKNOWN, change, loss, number, plain, real
from tunesmith.report.texts import term, verbatim
from tunesmith.speech.speaker_vector import MFCC_NAME
from tunesmith.texts import NOTHING, Message, msg

KINDS = ("broken", "worse", "unmeasured", "better", "same")


def findings(data: ReportData) -> list[tuple[str, list[RunFinding]]]:
    """(kind, findings) with what is broken first."""
    found = data.comparison.findings if data.comparison else ()
    groups = {kind: [finding for finding in found if finding.kind == kind] for kind in KINDS}
    return [(kind, group) for kind, group in groups.items() if group]


def direction(feature: FeatureResult) -> tuple[Message, bool]:
    """Whether a feature moved towards the reference, in words, and whether that is good."""
    return term("direction", feature.direction), feature.direction == "towards"


def evidence(finding: RunFinding) -> Message:
    """The numbers behind a finding as one line."""
    return worded(finding.evidence) if finding.evidence else NOTHING


def loss_rows(data: ReportData) -> list[tuple[Message, str, str, str]]:
    """(what, base, adapter, change) of the held-out losses."""
    losses = _losses(data)
    if losses is None:
        return []
    before, after, style = losses.base.terms, losses.adapter.terms, losses.base_style
    rows = [(msg("Held-out clips"), losses.base.loss, losses.adapter.loss)]
    rows += [(loss_term(n), before.get(n), after.get(n)) for n in dict.fromkeys([*before, *after])]
    rows.append(
        (msg("Base-style prompts (forgetting)"), style.base if style else None, style.adapter if style else None)
    )
    rows += _probe_rows(losses.probes)
    return [(name, loss(first), loss(second), change(first, second)) for name, first, second in rows]


def _probe_rows(probes: LossProbes | None) -> list[tuple[Message, float | None, float | None]]:
    """Losses that tell causes apart, and the loss by the adapter's strength."""
    if probes is None:
        return []
    pairs = (
        (msg("Training clips"), probes.train),
        (msg("Training clips, each under the caption of another"), probes.swapped),
        (msg("Held-out clips, each under the caption of another"), probes.held_out_swapped),
        (msg("Silence behind the sound of training clips"), probes.silence),
    )
    rows = [(name, pair.base, pair.adapter) for name, pair in pairs if pair is not None]
    base = next((one.loss for one in probes.scales if one.scale == 0), None)
    weaker_or_stronger = [one for one in probes.scales if one.scale not in (0, 1)]
    return [
        *rows,
        *((msg("At {scale:g} of the adapter's strength", scale=o.scale), base, o.loss) for o in weaker_or_stronger),
    ]


@dataclass(frozen=True)
class EditRow:
    """One measure of one edit type: what it is, three means, the interval of the difference, and what it says."""

    measure: Message
    base: str
    adapter: str
    reference: str
    interval: str
    pairs: Message
    judgement: str


def edit_types(data: ReportData) -> list[tuple[Message, Message, str, list[EditRow]]]:
    """(edit type, how many outputs, judgement, rows) of a speaking family; empty for music."""
    speech = data.comparison.speech if data.comparison else None
    return [
        (
            term("edit", edit_type.edit_type),
            msg("{n} outputs", n=number(edit_type.outputs)),
            edit_type.judgement,
            [_edit_row(measure) for measure in edit_type.measures],
        )
        for edit_type in (speech.edit_types if speech else ())
    ]


def _edit_row(measure: MeasureResult) -> EditRow:
    def shown(value: float | None) -> str:
        if real(value) is None or value is None:
            return UNKNOWN
        if measure.unit == "%":
            return f"{number(100 * value)} %"
        return loss(value) if measure.name == "heldout_loss" else f"{number(value)} {measure.unit}".rstrip()

    known = real(measure.low) is not None and real(measure.high) is not None
    return EditRow(
        measure=measure.title,
        base=shown(measure.base),
        adapter=shown(measure.adapter),
        reference=shown(measure.reference),
        interval=f"{shown(measure.low)} … {shown(measure.high)}" if known else UNKNOWN,
        pairs=msg("{n} pairs", n=number(measure.pairs)),
        judgement=measure.judgement,
    )


def edit_notes(data: ReportData) -> list[Message]:
    """What speech was measured with."""
    speech = data.comparison.speech if data.comparison else None
    if speech is None:
        return []
    notes = [msg("Likeness of voices by {name}, −1 to 1.", name=speech.voice)]
    if speech.transcriber:
        notes.insert(
            0,
            msg(
                "{rate} by {name}: characters or words wrong over those written; pauses and punctuation do not count.",
                rate=plain(speech.error_rate),
                name=speech.transcriber,
            ),
        )
    if speech.quality:
        notes.append(
            msg("How good it sounds is an estimate by {name} of what people would say, 1 to 5.", name=speech.quality)
        )
    return [*notes, *_untold(speech)]


def _untold(speech: SpeechComparison) -> list[Message]:
    """What could not be told for want of an ear, and the command that installs it."""
    missing = (
        (WHISPER_TINY_EN, speech.transcriber is None),
        (GE2E, speech.voice == MFCC_NAME),
        (DNSMOS, speech.quality is None),
    )
    return [
        msg("{what}; `{command}` installs what tells it.", what=ear.without, command=install_command(ear))
        for ear, is_missing in missing
        if is_missing
    ]


def random_loss(data: ReportData) -> float | None:
    """The loss of a uniform guess, where it is known."""
    losses = _losses(data)
    return real(losses.random) if losses else None


def codec_rows(data: ReportData) -> list[tuple[Message, Message]]:
    """What the codec alone does to the clips; empty where that is not known."""
    codec = data.comparison.codec if data.comparison else None
    if codec is None:
        return []
    band = real(codec.bandwidth_hz)
    return [
        (msg("Signal to noise"), verbatim(f"{number(codec.snr_db)} dB")),
        (msg("Bandwidth"), verbatim(UNKNOWN if band is None else f"{number(band / 1000)} kHz")),
        (msg("Clips measured"), verbatim(number(codec.clips))),
    ]


def _losses(data: ReportData) -> ComparedLosses | None:
    return data.comparison.losses if data.comparison else None
