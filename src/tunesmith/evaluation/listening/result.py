"""What the votes of a listening test say, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from tunesmith.evaluation.listening.agreement import between_people, with_oneself
from tunesmith.evaluation.listening.ballots import Ballot, ballots
from tunesmith.evaluation.listening.bradley_terry import strengths
from tunesmith.evaluation.listening.power import ALPHA, MOST_VOTES, fewest_prompts, more_votes
from tunesmith.evaluation.listening.preference import Tally, effective_votes, holm, sign_test, tally, wilson
from tunesmith.evaluation.listening.returned import ReturnedVotes
from tunesmith.records.listening_key import ListeningSystem
from tunesmith.records.listening_result import (
    AgreementBetweenPeople,
    ListenerSummary,
    ListeningResult,
    PairPreference,
)
from tunesmith.texts import NOTHING, Message, in_turn, msg

_ALIKE, _APART = 0.7, 0.5
_MOST_ONE_SIDED = 0.01


def listening_result(returned: ReturnedVotes) -> ListeningResult:
    """Everything that the votes say."""
    key = returned.key
    cast = ballots(key, returned.people)
    pairs = _pairs(key.systems, cast)
    names = [system.name for system in key.systems]
    listeners = tuple(
        _listener(votes.listener, votes.name, path.name, cast)
        for votes, path in zip(returned.people, returned.files, strict=True)
    )
    agreement = between_people(cast)
    return ListeningResult(
        page=key.page,
        outputs=key.outputs,
        systems=key.systems,
        listeners=listeners,
        pairs=pairs,
        strengths=strengths(cast, names) if len(names) > 2 else (),
        between_people=agreement,
        left_out=returned.left_out,
        notes=(*returned.notes, *_notes(listeners, agreement), *_by_people(key.systems, pairs, len(listeners))),
        advice=_advice(key.systems, pairs),
    )


def _pairs(systems: Sequence[ListeningSystem], cast: Sequence[Ballot]) -> tuple[PairPreference, ...]:
    counted = [
        (first, second, tally([b for b in cast if (b.first, b.second) == (first.name, second.name)]))
        for first, second in combinations(systems, 2)
    ]
    voted = [(first, second, votes) for first, second, votes in counted if votes.decided or votes.ties.any()]
    tests = [sign_test(votes.wins - votes.losses) for _, _, votes in voted]
    return tuple(
        _pair((first, second), votes, p, adjusted, len(voted))
        for (first, second, votes), p, adjusted in zip(voted, tests, holm(tests), strict=True)
    )


def _pair(
    systems: tuple[ListeningSystem, ListeningSystem], votes: Tally, p: float, adjusted: float, pairs: int
) -> PairPreference:
    """One pair: preferred where the test of all pairs and the interval of this one say the same."""
    first, second = systems
    wins, losses, ties = (int(count.sum()) for count in (votes.wins, votes.losses, votes.ties))
    worth = effective_votes(votes.wins, votes.losses)
    rate = wins / votes.decided if votes.decided else None
    low, high = wilson(rate * worth if rate is not None else 0.0, worth)
    told = adjusted <= ALPHA and (low > 0.5 or high < 0.5)
    made = PairPreference(
        first=first.name,
        second=second.name,
        wins=wins,
        losses=losses,
        ties=ties,
        clear_wins=votes.clear_wins,
        clear_losses=votes.clear_losses,
        prompts=len(votes.wins),
        people_for_first=votes.people.count(1),
        people_for_second=votes.people.count(-1),
        rate=rate,
        low=low,
        high=high,
        effective_votes=worth,
        p=p,
        p_adjusted=adjusted,
        verdict="open" if not told else "first" if wins > losses else "second",
        more_votes=None if told else more_votes(votes, pairs),
        sentence=NOTHING,
    )
    return made.model_copy(update={"sentence": _sentence(made, first.title, second.title)})


def _sentence(pair: PairPreference, first: Message, second: Message) -> Message:
    ahead, behind, wins, losses = (
        (first, second, pair.wins, pair.losses) if pair.wins >= pair.losses else (second, first, pair.losses, pair.wins)
    )
    if not pair.wins + pair.losses:
        return msg(
            "{first} against {second}: {ties} votes, all without a preference",
            first=first,
            second=second,
            ties=pair.ties,
        )
    low, high = (pair.low, pair.high) if pair.wins >= pair.losses else (1 - pair.high, 1 - pair.low)
    counts = msg(
        "{wins} to {losses} votes, {ties} undecided; {rate:.0%}, 95 % interval {low:.0%} to {high:.0%}, p {p:.3f}",
        wins=wins,
        losses=losses,
        ties=pair.ties,
        rate=wins / (wins + losses),
        low=low,
        high=high,
        p=pair.p_adjusted,
    )
    if pair.verdict != "open":
        return msg("{ahead} is preferred to {behind}: {counts}", ahead=ahead, behind=behind, counts=counts)
    return msg(
        "{ahead} or {behind}: it cannot be told yet which is preferred ({counts})",
        ahead=ahead,
        behind=behind,
        counts=counts,
    )


def _listener(listener: str, name: str, file: str, cast: Sequence[Ballot]) -> ListenerSummary:
    own = [ballot for ballot in cast if ballot.listener == listener]
    repeats, alike = with_oneself(own)
    sides = [ballot.chose for ballot in own]
    return ListenerSummary(
        listener=listener,
        name=name,
        file=file,
        votes=len(own),
        repeats=repeats,
        alike=alike,
        chose_a=sides.count("a"),
        chose_b=sides.count("b"),
    )


def _notes(listeners: Sequence[ListenerSummary], agreement: AgreementBetweenPeople | None) -> list[Message]:
    """How far the votes are to be trusted: agreement with oneself and with others, and a side that is always chosen."""
    from scipy.stats import binomtest

    votes = sum(one.votes for one in listeners)
    people = msg("{people} people, {votes} votes", people=len(listeners), votes=votes)
    notes = [people if len(listeners) > 1 else msg("one person, {votes} votes", votes=votes)]
    if repeats := sum(one.repeats for one in listeners):
        alike = sum(one.alike for one in listeners)
        notes.append(
            msg(
                "pairs heard again with the sides swapped: the same answer {alike} of {repeats} times",
                alike=alike,
                repeats=repeats,
            )
        )
    if agreement is not None:
        notes.append(_between(agreement))
    for one in listeners:
        chosen = one.chose_a + one.chose_b
        if chosen and binomtest(one.chose_a, chosen).pvalue < _MOST_ONE_SIDED:
            who = one.name or one.file
            notes.append(
                msg(
                    "{who} chose side A {a} times and side B {b} times, whatever it was",
                    who=who,
                    a=one.chose_a,
                    b=one.chose_b,
                )
            )
    return notes


def _by_people(systems: Sequence[ListeningSystem], pairs: Sequence[PairPreference], people: int) -> list[Message]:
    """How many people chose which more often: votes of a few say little of people who have not voted."""
    title = {system.name: system.title for system in systems}
    return [
        msg(
            "{for_first} of {people} people chose {first} more often, {for_second} chose {second}",
            for_first=pair.people_for_first,
            people=people,
            first=title[pair.first],
            for_second=pair.people_for_second,
            second=title[pair.second],
        )
        for pair in (pairs if people > 1 else ())
    ]


def _between(agreement: AgreementBetweenPeople) -> Message:
    share = agreement.alike / agreement.compared
    if share >= _ALIKE:
        said = msg("people largely agree")
    elif share >= _APART:
        said = msg("people agree in part")
    else:
        said = msg("people do not agree, so that it depends on whom you ask")
    return msg("{said}: two who heard the same pair chose alike in {share:.0%} of cases", said=said, share=share)


def _advice(systems: Sequence[ListeningSystem], pairs: Sequence[PairPreference]) -> Message:
    """What to do next: nothing, ask on, or let it be."""
    title = {system.name: system.title for system in systems}
    still = [pair for pair in pairs if pair.verdict == "open"]
    if not still:
        return msg("Every pair is told; no more votes are needed.")
    lines = [_still_open(pair, title[pair.first], title[pair.second]) for pair in still]
    fewest = fewest_prompts(len(pairs))
    heard = min(pair.prompts for pair in still)
    if heard >= fewest:
        return in_turn(lines)
    return msg(
        "{fewest} prompts at least have to be heard, and these were {prompts} (evaluate.count, evaluate.prompts)",
        fewest=fewest,
        prompts=heard,
    )


def _still_open(pair: PairPreference, first: Message, second: Message) -> Message:
    if pair.more_votes is None:
        return msg(
            "{first} and {second}: over {most} votes would be needed, so any difference is small",
            first=first,
            second=second,
            most=MOST_VOTES,
        )
    return msg(
        "{first} and {second}: about {more} more votes would tell", first=first, second=second, more=pair.more_votes
    )
