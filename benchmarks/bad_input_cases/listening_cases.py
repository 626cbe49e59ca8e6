"""Bad listening tests: votes edited by hand, keys that do not fit, sounds that are gone, pages in the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bad_input_cases.case import Case, tunesmith
from bad_input_cases.damage import DAMAGES
from bad_input_cases.finished import FAMILIES, Finished, votes_on
from bad_input_cases.list_cases import CONTENTS

Votes = dict[str, Any]
Change = Callable[[Votes], object]
PLACES = ("there", "missing/listen.html", "is-a-file/listen.html", "notes.txt", "/proc/listen.html", "a\nb.html", "-x")


def cases(finished: Finished) -> Iterator[Case]:
    """Votes, keys, sounds and places to write to."""
    count = ("listen", "r", "--votes", "votes.json")
    for number, (name, (change, signed)) in enumerate(EDITS.items()):
        family = FAMILIES[number % len(FAMILIES)]
        refused = name not in HARMLESS
        command = tunesmith(*count, expected="refused" if refused else "any")
        yield Case(
            "votes edited", f"votes-{name}", _voted(finished, family, _edited(change, signed=signed)), (command,)
        )
    for name, content in CONTENTS.items():
        prepare = _voted(finished, "musicgen", _written(content))
        yield Case("file of votes", f"votes-file-{name}", prepare, (tunesmith(*count),))
        command = tunesmith("listen", "r", "--votes", "votes.json", "good.json", expected="accepted")
        yield Case("file of votes", f"votes-file-{name}-and-a-good-one", prepare, (command,))
    for damage in DAMAGES:
        prepare = _voted(finished, "musicgen", damage)
        yield Case("file of votes", f"votes-file-{damage.__name__}", prepare, (tunesmith(*count, expected="any"),))
    for name, words in TWICE.items():
        prepare = _voted(finished, "musicgen", _copied)
        yield Case("votes joined", f"votes-joined-{name}", prepare, (tunesmith(*words, expected="any"),))
    for name, edit in KEYS.items():
        prepare = _voted(finished, "musicgen", _key_edited(edit))
        commands = (tunesmith(*count, expected="any"), tunesmith("listen", "r", expected="any"))
        yield Case("key edited", f"key-{name}", prepare, commands)
    yield from _sounds(finished)
    for place in PLACES:
        commands = (tunesmith("listen", "r", "--out", place, expected="any"),)
        yield Case("page in the way", f"listen-out-{place!r}", _voted(finished, "musicgen", _in_the_way), commands)


def _sounds(finished: Finished) -> Iterator[Case]:
    """Files of an evaluation that are gone or damaged, of one prompt or of all."""
    commands = (
        tunesmith("listen", "r", expected="any"),
        tunesmith("listen", "r", "other", expected="any"),
        tunesmith("report", "r", "--force", expected="any"),
        tunesmith("compare", "r", "other", expected="any"),
    )
    for number, side in enumerate(("base_model", "lora_model", "reference")):
        for damage in DAMAGES:
            for every in (False, True):
                family = FAMILIES[number % len(FAMILIES)]
                prepare = _heard(finished, family, side, damage, every=every)
                name = f"sounds-{family}-{side}-{damage.__name__}{'-every' if every else ''}"
                yield Case("sounds of an evaluation", name, prepare, commands)


def _heard(
    finished: Finished, family: str, side: str, damage: Callable[[Path], None], *, every: bool
) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        for name in ("r", "other"):
            shutil.copytree(finished.run(family) / "runs" / "r", folder / "runs" / name)
        files = sorted((folder / "runs" / "r" / "evaluation" / side).glob("*.wav"))
        for file in files if every else files[:1]:
            damage(file)

    return prepare


def _voted(finished: Finished, family: str, change: Callable[[Path], object]) -> Callable[[Path], None]:
    """A run whose listening test was answered, the votes as they came, and a changed file of them."""

    def prepare(folder: Path) -> None:
        shutil.copytree(finished.run(family) / "runs" / "r", folder / "runs" / "r")
        shutil.copyfile(finished.votes(family), folder / "votes.json")
        (folder / "good.json").write_text(json.dumps(votes_on(folder / "runs" / "r", "somebody-else")))
        change(folder / "votes.json")

    return prepare


def _written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _edited(change: Change, *, signed: bool) -> Callable[[Path], None]:
    """A change of the votes; where ``signed``, by someone who knows how the digest is made."""

    def apply(path: Path) -> None:
        from tunesmith.records.listening_votes import ListeningVotes

        votes = json.loads(path.read_text())
        change(votes)
        if signed:
            votes["digest"] = ListeningVotes.model_validate(votes).computed_digest()
        path.write_text(json.dumps(votes))

    return apply


def _key_edited(change: Change) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        file = path.parent / "runs" / "r" / "listening_key.json"
        key = json.loads(file.read_text())
        change(key)
        file.write_text(json.dumps(key))

    return apply


def _copied(path: Path) -> None:
    votes = json.loads(path.read_text())
    for name, fields in {"same": {}, "later": {"saved": "2027-01-01T10:00:00Z"}, "other": {"listener": "x"}}.items():
        path.with_name(f"{name}.json").write_text(json.dumps({**votes, **fields}))


def _in_the_way(path: Path) -> None:
    folder = path.parent
    (folder / "there").mkdir()
    (folder / "is-a-file").write_text("in the way")
    (folder / "notes.txt").write_text("my notes")


def _each(**fields: object) -> Change:
    return lambda votes: [vote.update(fields) for vote in votes["votes"]]


EDITS: dict[str, tuple[Change, bool]] = {
    "as-it-was": (lambda votes: None, False),
    "choice": (_each(choice=-1), False),
    "choice-signed": (_each(choice=-2), True),
    "choice-beyond": (_each(choice=7), False),
    "choice-text": (_each(choice="A"), False),
    "choice-half": (_each(choice=0.5), False),
    "choice-null": (_each(choice=None), False),
    "trial-beyond": (_each(trial=999), True),
    "trial-negative": (_each(trial=-1), False),
    "trial-huge": (_each(trial=10**30), True),
    "trial-same": (_each(trial=0), True),
    "sides-swapped": (lambda votes: [v.update(a=v["b"], b=v["a"]) for v in votes["votes"]], True),
    "clips-unknown": (_each(a="x", b="y"), True),
    "not-heard": (_each(heard_a_ms=0, heard_b_ms=0), True),
    "not-heard-unsigned": (_each(heard_a_ms=0), False),
    "no-votes": (lambda votes: votes.update(votes=[]), True),
    "votes-twice": (lambda votes: votes["votes"].extend(list(votes["votes"])), True),
    "votes-an-object": (lambda votes: votes.update(votes={}), False),
    "vote-is-null": (lambda votes: votes.update(votes=[None]), False),
    "vote-less": (lambda votes: votes["votes"][0].pop("a"), False),
    "vote-more": (lambda votes: votes["votes"][0].update(more=1), False),
    "page-other": (lambda votes: votes.update(page="another"), True),
    "page-null": (lambda votes: votes.update(page=None), False),
    "listener-empty": (lambda votes: votes.update(listener=""), False),
    "name-hostile": (lambda votes: votes.update(name="\x1b[31m\u202e<script>\n{name}" * 50), True),
    "name-half-a-character": (lambda votes: votes.update(name="a\ud83c"), True),
    "name-number": (lambda votes: votes.update(name=5), False),
    "saved-odd": (lambda votes: votes.update(saved="yesterday"), True),
    "saved-null": (lambda votes: votes.update(saved=None), False),
    "digest-gone": (lambda votes: votes.pop("digest"), False),
    "digest-empty": (lambda votes: votes.update(digest=""), False),
    "format-later": (lambda votes: votes.update(format=99), False),
    "format-text": (lambda votes: votes.update(format="one"), False),
    "more": (lambda votes: votes.update(more=[1]), False),
}
"""Changes to a file of votes, and whether its digest is made to fit again."""
HARMLESS = {
    "as-it-was",
    "choice-signed",
    "trial-same",
    "votes-twice",
    "name-hostile",
    "name-half-a-character",
    "saved-odd",
    "vote-more",
    "more",
    "format-text",
}
"""Some votes count after all, or may."""
TWICE = {
    "itself": ("listen", "r", "--votes", "votes.json", "votes.json"),
    "same": ("listen", "r", "--votes", "votes.json", "same.json"),
    "later": ("listen", "r", "--votes", "votes.json", "later.json"),
    "other": ("listen", "r", "--votes", "votes.json", "other.json"),
    "flag-twice": ("listen", "r", "--votes", "votes.json", "--votes", "good.json"),
    "missing": ("listen", "r", "--votes", "nowhere.json"),
    "missing-too": ("listen", "r", "--votes", "votes.json", "nowhere.json"),
    "a-folder": ("listen", "r", "--votes", "runs"),
    "a-device": ("listen", "r", "--votes", "/dev/null"),
    "a-page": ("listen", "r", "--votes", "runs/r/listen.html"),
    "the-key": ("listen", "r", "--votes", "runs/r/listening_key.json"),
    "no-run": ("listen", "--votes", "votes.json"),
    "another-run": ("listen", "nowhere", "--votes", "votes.json"),
}
KEYS: dict[str, Change] = {
    "no-trials": lambda key: key.update(trials=[]),
    "no-clips": lambda key: key.update(clips={}),
    "no-systems": lambda key: key.update(systems=[]),
    "no-prompts": lambda key: key.update(prompts=[]),
    "one-system": lambda key: key.update(systems=key["systems"][:1]),
    "trial-unknown": lambda key: [trial.update(a="x") for trial in key["trials"]],
    "trial-alone": lambda key: [trial.update(b=trial["a"]) for trial in key["trials"]],
    "repeats-beyond": lambda key: [trial.update(repeats=999) for trial in key["trials"]],
    "repeats-negative": lambda key: [trial.update(repeats=-1) for trial in key["trials"]],
    "prompt-beyond": lambda key: [clip.update(prompt=999) for clip in key["clips"].values()],
    "system-unknown": lambda key: [clip.update(system="x") for clip in key["clips"].values()],
    "seconds-negative": lambda key: [clip.update(seconds=-1) for clip in key["clips"].values()],
    "page-up": lambda key: key.update(page="../../x"),
    "page-empty": lambda key: key.update(page=""),
    "page-nul": lambda key: key.update(page="a\0b"),
    "page-long": lambda key: key.update(page="x" * 400),
    "file-null": lambda key: key.update(file=None),
    "format-later": lambda key: key.update(format=99),
}
"""Changes to what a run keeps of its listening test."""
