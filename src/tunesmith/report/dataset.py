"""What the checks said about the clips, grouped so that five hundred findings still read as a few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.report.gather import Record, ReportData, records
from tunesmith.report.numbers import UNKNOWN, count, duration, plain, real
from tunesmith.report.texts import Both, both, same, say, word


@dataclass(frozen=True)
class CheckGroup:
    """Findings of one check; ``more`` of them are not listed."""

    name: str
    level: str
    rows: tuple[Record, ...]
    more: int


MOST_FINDINGS = 100


def check_groups(material: ReportData) -> list[CheckGroup]:
    """Findings by check, the gravest first."""
    grave = {"error": 0, "warn": 1, "info": 2}
    groups: dict[str, list[Record]] = {}
    for finding in records((material.findings or {}).get("findings")):
        groups.setdefault(str(finding.get("check")), []).append(finding)
    made = []
    for name, rows in groups.items():
        rows.sort(key=lambda row: grave.get(str(row.get("level")), 3))
        more = max(len(rows) - MOST_FINDINGS, 0)
        made.append(CheckGroup(name, str(rows[0].get("level")), tuple(rows[:MOST_FINDINGS]), more))
    return sorted(made, key=lambda group: (grave.get(group.level, 3), group.name))


def quarantined(material: ReportData) -> list[tuple[str, Both]]:
    """(clip, reason) of every clip that was put aside."""
    given = (material.findings or {}).get("quarantined")
    if isinstance(given, Mapping):
        return [
            (str(clip), _first_error(material, clip) or both({"r": reason}, "r") or same(plain(reason)))
            for clip, reason in given.items()
        ]
    rows = []
    for item in given if isinstance(given, list) else ():
        clip = item.get("clip") or item.get("id") if isinstance(item, Mapping) else item
        reason = next((words for key in ("reason", "message") if (words := both(item, key))), None)
        rows.append((str(clip), _first_error(material, clip) or reason or same(UNKNOWN)))
    return rows


def _first_error(material: ReportData, clip: Any) -> Both | None:
    """The finding that put a clip aside, which speaks both languages."""
    about = [f for f in records((material.findings or {}).get("findings")) if f.get("clip") == clip]
    return next((both(f, "message") for f in about if f.get("level") == "error"), None)


def data_rows(material: ReportData) -> list[tuple[Both, Both]]:
    """Sizes of the data and of its split."""
    found = material.findings or {}
    rows: list[tuple[Both, Both]] = [(say("layout"), same(found["layout"]))] if found.get("layout") else []
    for key in ("kept", "train", "valid"):
        size = count(found.get(key))
        if size is not None:
            rows.append((say(f"clips_{key}"), same(size)))
    if real(found.get("seconds")) is not None:
        rows.append((say("clips_seconds"), same(duration(found["seconds"]))))
    kind = found.get("split_kind")
    if kind:
        rows.append((say("split_kind"), word("split", kind) if isinstance(kind, str) else same(plain(kind))))
    return rows


def notes(material: ReportData) -> list[Both]:
    """What the reading of the data had to say."""
    given = (material.findings or {}).get("notes")
    given = [given] if isinstance(given, (str, dict)) else given if isinstance(given, list) else []
    said = [both({"n": n}, "n") or both(n, "message") or same(plain(n)) for n in given]
    return [words for words in said if words.en.strip()]
