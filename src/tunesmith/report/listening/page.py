"""One file that a friend can open anywhere: blind pairs to hear, votes to send back. It sends nothing by itself."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from markupsafe import Markup

from tunesmith import __version__
from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.data.content import file_digest
from tunesmith.errors import TunesmithError
from tunesmith.records.listening_key import ListeningClip, ListeningKey, ListeningPrompt, ListeningTrial
from tunesmith.records.listening_votes import LEAST_HEARD_MS
from tunesmith.report.audio_section import edit_kind
from tunesmith.report.listening.choose import Contest
from tunesmith.report.listening.clips import MOST_SECONDS, HeardClip, matched
from tunesmith.report.listening.trials import Trial, plan_trials
from tunesmith.report.page import printable, render_page
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message, msg

MARK = '<meta name="tunesmith" content="listening test">'
"""Stands near the beginning of every page, by which a file is known as one that may be replaced."""


@dataclass
class _Heard:
    """What is gathered while the clips are read."""

    clips: dict[str, ListeningClip] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    ids: dict[tuple[int, str], str] = field(default_factory=dict)
    lufs: dict[int, float] = field(default_factory=dict)
    left_out: list[Message] = field(default_factory=list)
    without: set[tuple[int, str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class ListeningPage:
    """A page, and what it hides; the key's ``file`` is still empty."""

    html: str
    key: ListeningKey


def build_page(contest: Contest, run: RunFolder, seed: int) -> ListeningPage:
    """Make the page of a listening test.

    Args:
        contest: What is heard against what.
        run: The run folder that keeps the key.
        seed: Decides sides, order and repeats.

    Raises:
        TunesmithError: when no pair of files can be read.
    """
    heard = _hear(contest, seed)
    names = [system.name for system in contest.systems]
    trials = plan_trials(names, len(contest.prompts), seed, frozenset(heard.without))
    if not trials:
        raise TunesmithError(
            msg("no pair of outputs can be read"),
            where=str(run.evaluation),
            remedy=msg("Run `tunesmith evaluate {run}` again.", run=str(run.path)),
        )
    used = {heard.ids[trial.prompt, name] for trial in trials for name in (trial.a, trial.b)}
    key = ListeningKey(
        page=_page_id(heard, trials),
        file="",
        outputs=file_digest(run.comparison),
        seed=seed,
        systems=contest.systems,
        prompts=tuple(
            ListeningPrompt(prompt=p.prompt, seed=p.seed, kind=p.kind, lufs=round(heard.lufs.get(n, 0.0), 2))
            for n, p in enumerate(contest.prompts)
        ),
        clips={name: heard.clips[name] for name in sorted(used)},
        trials=tuple(
            ListeningTrial(a=heard.ids[t.prompt, t.a], b=heard.ids[t.prompt, t.b], repeats=t.repeats) for t in trials
        ),
        left_out=(*contest.left_out, *heard.left_out),
    )
    return ListeningPage(printable(_render(contest, key, heard.sources)), key)


def _hear(contest: Contest, seed: int) -> _Heard:
    """Read, match and encode the clips, prompt by prompt; a prompt with a file that cannot be read is left out."""
    heard = _Heard(without=set(contest.same))
    names = [system.name for system in contest.systems]
    homes = {system.name: system.run for system in contest.systems}
    cut = False
    for number, prompt in enumerate(contest.prompts):
        paths = {name: contest.files[number, name] for name in names}
        try:
            heard.lufs[number], clips = matched(paths)
        except UnreadableAudioError as error:
            heard.left_out.append(error.message)
            heard.without |= {(number, first, second) for first, second in combinations(names, 2)}
            continue
        cut = cut or any(clip.cut for clip in clips.values())
        for place, name in enumerate(names):
            opaque = _digest(seed, prompt.prompt, prompt.seed, file_digest(paths[name]), place)
            file = Path(os.path.relpath(paths[name], homes[name])).as_posix()
            heard.ids[number, name] = opaque
            heard.sources[opaque] = clips[name].source
            heard.clips[opaque] = _key_clip(clips[name], name, number, file)
    if quieter := sum(clip.lufs + clip.gain_db < heard.lufs[clip.prompt] - 1 for clip in heard.clips.values()):
        heard.left_out.append(
            msg(
                "the loudness of {count} clips, which cannot be made as loud as the others of their prompt",
                count=quieter,
            )
        )
    if cut:
        heard.left_out.append(msg("of long outputs what lies beyond {seconds:.0f} s", seconds=MOST_SECONDS))
    return heard


def _key_clip(clip: HeardClip, system: str, prompt: int, file: str) -> ListeningClip:
    return ListeningClip(
        system=system,
        prompt=prompt,
        file=file,
        lufs=round(clip.lufs, 2),
        gain_db=round(clip.gain_db, 2),
        seconds=round(clip.seconds, 3),
    )


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _page_id(heard: _Heard, trials: Sequence[Trial]) -> str:
    """The same for the same clips in the same order, so that a page that is written again keeps its votes."""
    return _digest(__version__, [(heard.ids[t.prompt, t.a], heard.ids[t.prompt, t.b]) for t in trials])


def _render(contest: Contest, key: ListeningKey, sources: Mapping[str, str]) -> str:
    shown = [key.clips[trial.a].prompt for trial in key.trials]
    data = {
        "page": key.page,
        "least_ms": LEAST_HEARD_MS,
        "trials": [
            {"a": trial.a, "b": trial.b, "prompt": prompt} for trial, prompt in zip(key.trials, shown, strict=True)
        ],
        "clips": {name: sources[name] for name in key.clips},
    }
    view = {
        "title": msg("Which do you prefer?"),
        "mark": Markup(MARK),
        "version": __version__,
        "pairs": len(key.trials),
        "minutes": max(1, round(sum(_seconds(key, trial) for trial in key.trials) / 60)),
        "seek_words": msg("Position"),
        "text_words": msg("The votes as text"),
        "prompts": [
            (number, contest.prompts[number], edit_kind(contest.prompts[number])) for number in sorted(set(shown))
        ],
        # A text in a script element ends at "</script>", whatever the JSON says.
        "data": Markup(json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")),
    }
    raw = {
        "style": ("style.css", "listening/listening.css"),
        "script": ("language.js", "listening/sha256.js", "listening/player.js", "listening/listening.js"),
    }
    return render_page("listening/page.html.j2", raw, view)


def _seconds(key: ListeningKey, trial: ListeningTrial) -> float:
    """What a pair takes: both sides once, and a moment to decide."""
    return key.clips[trial.a].seconds + key.clips[trial.b].seconds + 5.0
