"""What the checks said about the clips, grouped so that five hundred findings still read as a few."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.records.findings import Finding
from tunesmith.report.gather import ReportData
from tunesmith.report.numbers import duration
from tunesmith.report.texts import term, verbatim
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class CheckGroup:
    """Findings of one check; ``more`` of them are not listed."""

    name: str
    level: str
    rows: tuple[Finding, ...]
    more: int


MOST_FINDINGS = 100
_GRAVITY = {"error": 0, "warn": 1, "info": 2}


def check_groups(data: ReportData) -> list[CheckGroup]:
    """Findings by check, the gravest first."""
    groups: dict[str, list[Finding]] = {}
    for finding in data.findings.findings if data.findings else ():
        groups.setdefault(finding.check, []).append(finding)
    made = []
    for name, rows in groups.items():
        rows.sort(key=lambda row: _GRAVITY[row.level])
        more = max(len(rows) - MOST_FINDINGS, 0)
        made.append(CheckGroup(name, rows[0].level, tuple(rows[:MOST_FINDINGS]), more))
    return sorted(made, key=lambda group: (_GRAVITY[group.level], group.name))


def quarantined(data: ReportData) -> list[tuple[str, Message]]:
    """(clip, reason) of every clip that was put aside."""
    return list(data.findings.quarantined.items()) if data.findings else []


def data_rows(data: ReportData) -> list[tuple[Message, Message]]:
    """Sizes of the data and of its split."""
    found = data.findings
    if found is None:
        return []
    rows = [
        (msg("Layout"), verbatim(found.layout)),
        (msg("Clips kept"), verbatim(found.kept)),
        (msg("Train"), verbatim(found.train)),
        (msg("Held out"), verbatim(found.valid)),
        (msg("Length in all"), duration(found.seconds)),
        (msg("How the split was made"), term("split", found.split_kind)),
    ]
    return [(name, value) for name, value in rows if value]


def notes(data: ReportData) -> list[Message]:
    """What the reading of the data had to say."""
    return [note for note in (data.findings.notes if data.findings else ()) if note]
