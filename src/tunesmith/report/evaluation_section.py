"""What the evaluation says beyond its verdict: findings, losses, and the codec's ceiling."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.report.gather import Record, ReportData, part, records
from tunesmith.report.numbers import UNKNOWN, change, count, loss, number, plain, real
from tunesmith.report.signal_texts import SIGNALS
from tunesmith.report.texts import Both, both, same, say, signal, word


def findings(material: ReportData) -> list[tuple[str, list[Record]]]:
    """(kind, findings) with what is broken first."""
    all_of_them = records((material.comparison or {}).get("findings"))
    kinds = [*("broken", "worse", "better", "same"), *(str(f.get("kind")) for f in all_of_them)]
    groups = {kind: [f for f in all_of_them if str(f.get("kind")) == kind] for kind in dict.fromkeys(kinds)}
    return [(kind, group) for kind, group in groups.items() if group]


def feature_name(feature: Record) -> Both:
    """What a feature is called: a signal by the catalogue, else as the evaluation called it."""
    name = feature.get("name")
    if isinstance(name, str) and name in SIGNALS:
        return signal(name, unit=False)
    return both(feature, "name") or same(plain(name))


def direction(feature: Record) -> tuple[Both, bool]:
    """Whether a feature moved towards the reference, in words, and whether that is good."""
    closer = feature.get("closer") is True
    said = feature.get("direction") or ("towards" if closer else "not")
    return word("direction", said), closer


def evidence(finding: Record) -> str:
    """The numbers behind a finding as one line."""
    value = finding.get("evidence")
    return "" if value in (None, "", [], {}) else plain(value).replace("_", " ")


def loss_rows(material: ReportData) -> list[tuple[Both, str, str, str]]:
    """(what, base, adapter, change) of the held-out losses."""
    losses = part(material.comparison, "losses")
    if not losses:
        return []
    base, adapter, style = part(losses, "base"), part(losses, "adapter"), part(losses, "base_style")
    rows = [(say("loss_held_out"), base.get("loss"), adapter.get("loss"))]
    before, after = part(base, "terms"), part(adapter, "terms")
    for name in dict.fromkeys([*before, *after]):
        rows.append((same(str(name).replace("_", " ")), before.get(name), after.get(name)))
    if style:
        rows.append((say("loss_base_style"), style.get("base"), style.get("adapter")))
    return [(name, loss(first), loss(second), change(first, second)) for name, first, second in rows]


@dataclass(frozen=True)
class EditRow:
    """One measure of one edit type: what it is, three means, the interval of the difference, and what it says."""

    measure: Both
    base: str
    adapter: str
    reference: str
    interval: str
    pairs: Both
    judgement: str


def edit_types(material: ReportData) -> list[tuple[Both, Both, str, list[EditRow]]]:
    """(edit type, how many outputs, judgement, rows) of a speaking family; empty for music."""
    listed = records(part(material.comparison, "speech").get("edit_types"))
    return [
        (
            word("edit", one.get("edit_type")),
            say("edit_outputs", n=number(one.get("outputs"))),
            str(one.get("judgement")),
            [_edit_row(measure) for measure in records(one.get("measures"))],
        )
        for one in listed
    ]


def _edit_row(measure: Record) -> EditRow:
    percent, unit = measure.get("unit") == "%", measure.get("unit") or ""
    exact = measure.get("name") == "heldout_loss"

    def shown(value: float | None) -> str:
        if value is None:
            return UNKNOWN
        if percent:
            return f"{number(100 * value)} %"
        return loss(value) if exact else f"{number(value)} {unit}".rstrip()

    low, high = real(measure.get("low")), real(measure.get("high"))
    title = both(measure, "title") or same(plain(measure.get("name")))
    return EditRow(
        measure=title,
        base=shown(real(measure.get("base"))),
        adapter=shown(real(measure.get("adapter"))),
        reference=shown(real(measure.get("reference"))),
        interval=UNKNOWN if low is None or high is None else f"{shown(low)} … {shown(high)}",
        pairs=say("edit_pairs", n=number(measure.get("pairs"))),
        judgement=str(measure.get("judgement")),
    )


def edit_notes(material: ReportData) -> list[Both]:
    """What speech was measured with."""
    speech = part(material.comparison, "speech")
    name, voice = speech.get("transcriber"), speech.get("voice")
    rate = say("edit_types_heard", rate=plain(speech.get("error_rate")), name=plain(name))
    notes = [rate if name else say("edit_types_unheard")]
    return [*notes, say("edit_types_voice", name=plain(voice))] if voice else notes


def random_loss(material: ReportData) -> float | None:
    """The loss of a uniform guess, where it is known."""
    return real(part(material.comparison, "losses").get("random"))


def codec_rows(material: ReportData) -> list[tuple[Both, Both]]:
    """What the codec alone does to the clips."""
    codec = part(material.comparison, "codec")
    band = real(codec.get("bandwidth_hz"))
    return [
        (say("codec_snr"), same(f"{number(codec.get('snr_db'))} dB")),
        (say("codec_band"), same(UNKNOWN if band is None else f"{number(band / 1000)} kHz")),
        (say("codec_clips"), same(number(count(codec.get("clips"))))),
    ]
