"""What the evaluation says beyond its verdict: findings, losses, and the codec's ceiling."""

from __future__ import annotations

from tunesmith.report.gather import Material, Record, part, records
from tunesmith.report.numbers import UNKNOWN, change, count, loss, number, plain, real
from tunesmith.report.signal_texts import SIGNALS
from tunesmith.report.texts import Both, both, same, say, signal, word


def findings(material: Material) -> list[tuple[str, list[Record]]]:
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


def loss_rows(material: Material) -> list[tuple[Both, str, str, str]]:
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


def random_loss(material: Material) -> float | None:
    """The loss of a uniform guess, where it is known."""
    return real(part(material.comparison, "losses").get("random"))


def codec_rows(material: Material) -> list[tuple[Both, Both]]:
    """What the codec alone does to the clips."""
    codec = part(material.comparison, "codec")
    band = real(codec.get("bandwidth_hz"))
    return [
        (say("codec_snr"), same(f"{number(codec.get('snr_db'))} dB")),
        (say("codec_band"), same(UNKNOWN if band is None else f"{number(band / 1000)} kHz")),
        (say("codec_clips"), same(number(count(codec.get("clips"))))),
    ]
