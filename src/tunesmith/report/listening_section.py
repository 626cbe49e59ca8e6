"""The listening test in the report: preferences, strengths, people, and whether the votes are about these outputs."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.data.content import file_digest
from tunesmith.records.listening_result import ListeningResult, PairPreference
from tunesmith.report.gather import ReportData
from tunesmith.report.numbers import number
from tunesmith.report.texts import verbatim
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class PreferenceRow:
    """A row of the table of pairs: which two, the verdict, votes, the share of the first with its interval."""

    first: Message
    second: Message
    verdict: Message
    votes: Message
    share: Message


@dataclass(frozen=True)
class StrengthRow:
    """A row of the table of strengths, in points of the Elo scale."""

    system: Message
    strength: str
    interval: Message


@dataclass(frozen=True)
class ListeningSection:
    """What the section shows.

    Attributes:
        sentences: The pairs in words.
        pairs: The pairs in numbers.
        strengths: Of three systems or more.
        notes: On people and agreement.
        left_out: Votes that do not count.
        advice: What to do next.
        earlier: Whether the outputs have been made anew since.
    """

    sentences: tuple[Message, ...]
    pairs: tuple[PreferenceRow, ...]
    strengths: tuple[StrengthRow, ...]
    notes: tuple[Message, ...]
    left_out: tuple[Message, ...]
    advice: Message
    earlier: bool


def listening_section(data: ReportData) -> ListeningSection | None:
    """The section; ``None`` where nobody has voted."""
    result = data.listening
    if result is None:
        return None
    titles = {system.name: system.title for system in result.systems}
    rows = tuple(_row(pair, titles[pair.first], titles[pair.second]) for pair in result.pairs)
    strengths = tuple(
        StrengthRow(
            titles[one.system],
            number(round(one.strength)),
            msg("{low} to {high}", low=number(round(one.low)), high=number(round(one.high))),
        )
        for one in result.strengths
    )
    sentences = tuple(pair.sentence for pair in result.pairs)
    return ListeningSection(
        sentences, rows, strengths, result.notes, result.left_out, result.advice, _is_earlier(data, result)
    )


def _row(pair: PairPreference, first: Message, second: Message) -> PreferenceRow:
    verdicts = {"first": first, "second": second, "open": msg("cannot be told")}
    share = verbatim(number(None))
    if pair.rate is not None:
        share = msg("{rate:.0%} ({low:.0%} to {high:.0%})", rate=pair.rate, low=pair.low, high=pair.high)
    votes = msg("{wins} : {losses}, {ties} without", wins=pair.wins, losses=pair.losses, ties=pair.ties)
    return PreferenceRow(first, second, verdicts[pair.verdict], votes, share)


def _is_earlier(data: ReportData, result: ListeningResult) -> bool:
    """Whether the evaluation that was heard has been replaced."""
    record = data.folder.comparison
    return not record.exists() or file_digest(record) != result.outputs
