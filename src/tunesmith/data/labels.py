"""``labels.jsonl``: one line per label, added as each is made, read back as the best label of each clip."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from tunesmith.data.content import content_key
from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error
from tunesmith.texts import NOTHING, Message, msg

FILE = "labels.jsonl"

LabelStatus = Literal["ok", "needs_review", "failed"]
TagsFrom = Literal["user", "measured", "model"]


@dataclass(frozen=True)
class Label:
    """One label of one clip.

    Attributes:
        id: The sample's id: its path relative to the folder (in a manifest, whatever id stands there).
        status: ``ok``; ``needs_review`` where a model's answer stayed unusable; ``failed`` where there is no answer.
        audio: Key of the sound: the file's bytes and the span.
        key: Key of the question: sound, prompt, model, and the user's tags.
        provider: ``measured``, ``endpoint`` or ``qwen-omni``.
        model: Which model; empty where there is none.
        tags: The clip's tags: the user's, or else the model's genre, instruments and mood with measured tempo and key.
            Empty unless ``ok``.
        tags_from: Whose they are.
        recaption: The model's answer as :class:`tunesmith.label.schema.Recaption` has it, with the measured tempo.
        measured: What was measured.
        heard: Start and end in seconds of what the model heard, where that was not the whole clip.
        reason: Why it is not ``ok``; the file keeps the English sentence.
        answer: The model's last words, where they could not be used.
        seal: Digests of tags and recaption as they were written. Where one does not fit any more, a person has edited
            the line, and what they wrote goes before whatever a machine says later.
    """

    id: str
    status: LabelStatus
    audio: str
    key: str
    provider: str
    model: str = ""
    tags: tuple[str, ...] = ()
    tags_from: TagsFrom | None = None
    recaption: Mapping[str, Any] | None = None
    measured: ClipMeasurements | None = None
    heard: tuple[float, float] | None = None
    reason: Message = NOTHING
    answer: str = ""
    seal: tuple[str, ...] = field(default=(), compare=False)

    @property
    def edited_tags(self) -> bool:
        """Whether a person has edited the tags in ``labels.jsonl``."""
        return bool(self.seal) and self.seal[0] != _digest(self.tags)

    @property
    def edited_recaption(self) -> bool:
        """Whether a person has edited the recaption in ``labels.jsonl``."""
        return bool(self.seal) and self.seal[-1] != _digest(self.recaption)

    def sealed(self) -> Label:
        """The label as it is written; one that a person has edited keeps its seal."""
        return self if self.seal else replace(self, seal=(_digest(self.tags), _digest(self.recaption)))

    def to_json(self) -> dict[str, Any]:
        """One line of the file; empty fields are left out."""
        record = {name: value for name, value in vars(self).items() if value not in (None, "", (), NOTHING)}
        if self.measured is not None:
            record["measured"] = self.measured.to_json()
        if self.reason:
            record["reason"] = str(self.reason)
        return record

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> Label:
        """The inverse of :meth:`to_json`.

        Raises:
            KeyError, TypeError, ValueError: when the record is not one; :func:`read_labels` adds file and line.
        """
        values = dict(record)
        if "measured" in values:
            values["measured"] = ClipMeasurements.from_json(values["measured"])
        if isinstance(values.get("reason"), str):
            values["reason"] = Message.fixed(values["reason"])
        values |= {name: tuple(values[name]) for name in ("tags", "heard", "seal") if name in values}
        label = Label(**values)
        if wrong := [name for name, fits in _fitting(label).items() if not fits]:
            raise ValueError(f"`{wrong[0]}` is not what it should be")
        if label.edited_tags and label.tags:
            return replace(label, status="ok", tags_from="user", reason=NOTHING)
        return label


def _fitting(label: Label) -> dict[str, bool]:
    """Which fields of a label from JSON hold what their types say."""
    ends = () if label.heard is None else label.heard
    texts = ("id", "audio", "key", "provider", "model", "answer")
    return {
        **{name: isinstance(getattr(label, name), str) for name in texts},
        "status": label.status in get_args(LabelStatus),
        "tags": all(isinstance(tag, str) for tag in label.tags),
        "seal": len(label.seal) in (0, 2) and all(isinstance(part, str) for part in label.seal),
        "tags_from": label.tags_from in (None, *get_args(TagsFrom)),
        "reason": isinstance(label.reason, Message),
        "recaption": label.recaption is None or isinstance(label.recaption, dict),
        "heard": len(ends) in (0, 2) and all(type(end) in (int, float) for end in ends),
    }


def read_labels(folder: Path) -> dict[str, Label]:
    """The best label of every clip by its id; empty where nothing was labelled.

    Of the labels made of a clip's newest sound, one that is ``ok`` counts before one that is not, one with a recaption
    before one without, a newer before an older one. What a person wrote into a line, tags or recaption, stands in place
    of what it has. ``tags`` and ``recaption`` are empty unless it is ``ok``.

    Raises:
        TunesmithError: naming ``file:line`` when a line is no label.
    """
    return LabelStore(folder).best()


class LabelStore:
    """The labels of a folder.

    Args:
        folder: Where ``labels.jsonl`` lies, or will.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._by_id: dict[str, list[Label]] = defaultdict(list)
        self._done: dict[str, Label] = {}
        self._ready = False
        for label in _read(self.path):
            self._remember(label)

    def done(self, key: str, clip: str) -> Label | None:
        """The usable label that answers a question already, under the clip's id even if the file had another name."""
        found = self._done.get(key)
        return replace(found, id=clip) if found else None

    def holds(self, clip: str, sound: str, key: str) -> bool:
        """Whether a clip has, under its own name, a usable label of this question, and its newest is of this sound."""
        labels = self._by_id.get(clip, [])
        current = bool(labels) and labels[-1].audio == sound
        return current and any((label.key, label.status) == (key, "ok") for label in labels)

    def wrote(self, clip: str, tags: tuple[str, ...]) -> bool:
        """Whether these tags of a clip are those that were last written for it, and no person's.

        Tags that an older label had are someone's choice: a newer one has replaced them since.
        """
        last: Label | None = None
        labels = self._by_id.get(clip, [])
        for count in range(1, len(labels) + 1):
            best = _best_made(labels[:count])
            last = best if best.status == "ok" else last
        if last is None or (last.tags_from == "user" and not last.edited_tags):
            return False
        return _digest(tags) == (last.seal[0] if last.seal else _digest(last.tags))

    def tags_by_hand(self, clip: str) -> tuple[str, ...]:
        """The tags that a person wrote for a clip into ``labels.jsonl``; empty where nobody did."""
        labels = self._by_id.get(clip, [])
        by_hand = [label for label in labels if label.edited_tags and label.audio == labels[-1].audio]
        return by_hand[-1].tags if by_hand else ()

    def best(self) -> dict[str, Label]:
        """See :func:`read_labels`."""
        return {clip: _best(labels) for clip, labels in self._by_id.items()}

    def best_of(self, clip: str) -> Label:
        """The best label of one clip that has any."""
        return _best(self._by_id[clip])

    def add(self, label: Label) -> None:
        """Write a label; when this returns, it is on the disk. One that says what the clip's last says is not repeated.

        Raises:
            TunesmithError: when it cannot be written.
        """
        label = label.sealed()
        if [known.sealed().to_json() for known in self._by_id.get(label.id, [])[-1:]] == [label.to_json()]:
            return
        line = json.dumps(label.to_json(), ensure_ascii=False, allow_nan=False) + "\n"
        try:
            if not self._ready:
                _close_last_line(self.path)
                self._ready = True
            with self.path.open("ab", buffering=0) as file:
                file.write(line.encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise explain_os_error(error, self.path) from error
        self._remember(label)

    def _remember(self, label: Label) -> None:
        self._by_id[label.id].append(label)
        if label.status == "ok":
            self._done[label.key] = label


def _best(labels: list[Label]) -> Label:
    """The best label as it was made, with what a person edited in any label of the same sound."""
    best = _best_made(labels)
    for label in labels:
        if label.audio == best.audio and label.edited_tags and label.tags:
            best = replace(best, tags=label.tags, tags_from="user", status="ok")
        if label.audio == best.audio and label.edited_recaption:
            best = replace(best, recaption=label.recaption)
    return best


def _digest(value: object) -> str:
    return content_key(json.dumps(value, sort_keys=True, ensure_ascii=False))[:12]


def _best_made(labels: list[Label]) -> Label:
    current = [label for label in labels if label.audio == labels[-1].audio]
    return max(reversed(current), key=lambda label: (label.status == "ok", label.recaption is not None))


def _read(path: Path) -> list[Label]:
    if not path.is_file():
        return []
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise explain_os_error(error, path) from error
    labels = []
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            labels.append(Label.from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if line == raw.rpartition(b"\n")[2]:
                break  # an interrupted write; the next label takes its place
            raise TunesmithError(
                msg("this line is not a label ({error!r})", error=error),
                where=f"{path}:{number}",
                remedy=msg("Correct or remove the line."),
            ) from error
    return labels


def _close_last_line(path: Path) -> None:
    """Cut off what an interrupted write left; end with a new line what an editor left without one."""
    raw = path.read_bytes() if path.exists() else b""
    last = raw.rpartition(b"\n")[2]
    if not last:
        return
    try:
        json.loads(last)
    except ValueError:
        os.truncate(path, len(raw) - len(last))
    else:
        with path.open("ab") as file:
            file.write(b"\n")


@dataclass(frozen=True)
class ClipMeasurements:
    """Facts of one clip; ``None`` where one cannot be measured.

    Attributes:
        seconds: Length of the whole clip.
        bpm: Beats per minute, given from a confidence of 0.3 on.
        bpm_confidence: Strength of the beat, 0…1.
        key: Such as ``A minor``, given where it leads the second by 0.1.
        key_gap: That lead.
        lufs: Integrated loudness.
        centroid_hz: Spectral centre of gravity: brightness.
        bass_share: Share of energy under 120 Hz.
        flux_db: Mean rise of the spectrum per 20 ms: how sharply sounds begin.
        words: Words for energy, brightness and bass, only where these lie at an end of their range.
    """

    seconds: float
    bpm: float | None = None
    bpm_confidence: float | None = None
    key: str | None = None
    key_gap: float | None = None
    lufs: float | None = None
    centroid_hz: float | None = None
    bass_share: float | None = None
    flux_db: float | None = None
    words: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary without what is not known."""
        return {name: value for name, value in asdict(self).items() if value is not None} | {"words": list(self.words)}

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> ClipMeasurements:
        """The inverse of :meth:`to_json`."""
        return ClipMeasurements(**{**record, "words": tuple(record["words"])})
