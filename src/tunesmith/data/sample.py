"""The one record every room works on: named audios, named texts, attributes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from tunesmith.data.characters import is_nested
from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.texts import Message, msg

Split = Literal["train", "valid"]
MOST_REPEATS = 1_000_000
"""More listings of one clip than anyone means."""
_LONGEST = 1e9  # seconds; NaN is not under it either
PROMPT, PROMPT_TEXT = "prompt", "prompt_text"
"""Roles of the audio that a sample only listens to (a voice, a source to edit), and of what it says."""
SPEAKER = "speaker_emb_path"
"""Attribute with the path of a clip's speaker vector (ACE-Step's column), and a prompt's text role for it."""


_NEARLY_S = 0.25


@dataclass(frozen=True)
class AudioRef:
    """Where one audio lies: a file, or the span ``start``..``end`` (seconds) of it.

    ``duration`` is the length in seconds of what the reference covers, once known.
    """

    path: str
    start: float = 0.0
    end: float | None = None
    duration: float | None = None

    def is_end_of(self, file_seconds: float, seconds: float) -> bool:
        """Whether this part, of so many seconds, is the end of a longer recording: music may well die away there."""
        return self.start > 1.0 and self.start + seconds > file_seconds - _NEARLY_S


@dataclass(frozen=True)
class Variant:
    """Audios and texts that take the place of a sample's own ones of the same roles."""

    audios: Mapping[str, AudioRef]
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """One training example; immutable, so that every stage sees the same thing.

    Attributes:
        id: Unique within a manifest, readable, and stable across runs (the path relative to the folder).
        audios: Audio by role. MusicGen and ACE-Step use ``audio``; a speech pair has a ``prompt`` beside it. A pair
            that came as audio tokens may have none.
        texts: Text by role. MusicGen uses ``caption``; ACE-Step ``lyrics`` too; a speech pair ``prompt_text``.
        attributes: Anything else that was in the source (speaker, tempo, edit type); JSON values only.
        source: The track this was cut from; splits are made by source, never by clip.
        split: ``train`` or ``valid`` once decided (by the user's layout or by the split).
        repeats: How many times the source listed this very item; repeats are collapsed, not copied.
        variants: Other prompts of it; every epoch draws one of them or the sample as it is, and measuring never does.
    """

    id: str
    audios: Mapping[str, AudioRef]
    texts: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    split: Split | None = None
    repeats: int = 1
    variants: tuple[Variant, ...] = ()

    def in_variants(self) -> tuple[Sample, ...]:
        """The sample as it is, then with each of its variants; none of these has variants of its own."""
        own = replace(self, variants=())
        return (
            own,
            *(
                replace(own, audios={**self.audios, **other.audios}, texts={**self.texts, **other.texts})
                for other in self.variants
            ),
        )

    @property
    def targets(self) -> dict[str, AudioRef]:
        """The audios that are learnt, by role: all but the prompt, which is only listened to."""
        return {role: ref for role, ref in self.audios.items() if role != PROMPT}

    @property
    def target(self) -> AudioRef | None:
        """The audio that is learnt; ``None`` for a sample that came as audio tokens."""
        return next(iter(self.targets.values()), None)

    @property
    def seconds(self) -> float:
        """Length of what is learnt: of its audios, as far as it is known, else of its audio tokens."""
        if targets := self.targets:
            return sum(ref.duration or 0.0 for ref in targets.values())
        return float(self.attributes.get("seconds", 0.0))

    def with_split(self, split: Split) -> Sample:
        """The same sample, assigned to ``split``."""
        return replace(self, split=split)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, one line of the manifest; empty fields are left out for the human reader."""
        record: dict[str, Any] = {"id": self.id, "audios": _plain(self.audios), "texts": dict(self.texts)}
        if self.attributes:
            record["attributes"] = dict(self.attributes)
        record["source"] = self.source
        if self.split:
            record["split"] = self.split
        if self.repeats != 1:
            record["repeats"] = self.repeats
        if self.variants:
            record["variants"] = [{"audios": _plain(v.audios), "texts": dict(v.texts)} for v in self.variants]
        return record

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> Sample:
        """The inverse of :meth:`to_json`.

        Raises:
            KeyError, TypeError, ValueError: when the record is not one; :func:`read_manifest` adds file and line.
        """
        sample = Sample.from_checked(record)
        for name, fits in _fitting(sample).items():
            if not fits:
                raise ValueError(msg("`{name}` has to be {wanted}", name=name, wanted=_wanted(name)))
        return sample

    @staticmethod
    def from_checked(record: Mapping[str, Any]) -> Sample:
        """:meth:`from_json` of a record that has passed it before, in less time."""
        known = {k: record[k] for k in ("texts", "attributes", "source", "split", "repeats") if k in record}
        variants = tuple(Variant(_references(v["audios"]), v["texts"]) for v in record.get("variants", ()))
        return Sample(id=record["id"], audios=_references(record["audios"]), variants=variants, **known)


def _plain(audios: Mapping[str, AudioRef]) -> dict[str, dict[str, Any]]:
    return {k: {f: v for f, v in vars(a).items() if v not in (None, 0.0)} for k, a in audios.items()}


def _references(record: Mapping[str, Any]) -> dict[str, AudioRef]:
    return {k: AudioRef(**v) for k, v in record.items()}


def _fitting(sample: Sample) -> dict[str, bool]:
    """Whether each field of a sample from JSON holds what its type says."""
    attributes = sample.attributes
    parts: list[Sample | Variant] = [sample, *sample.variants]
    return {
        "id": isinstance(sample.id, str) and bool(sample.id),
        "audios": all(
            isinstance(ref.path, str) and all(map(_is_seconds, (ref.start, ref.end or 0.0, ref.duration or 0.0)))
            for part in parts
            for ref in part.audios.values()
        ),
        "texts": all(
            isinstance(part.texts, dict) and all(isinstance(text, str) for text in part.texts.values())
            for part in parts
        ),
        "attributes": isinstance(attributes, dict)
        and not is_nested(attributes)
        and (bool(sample.audios) or _is_seconds(attributes.get("seconds", 0.0))),
        "source": isinstance(sample.source, str),
        "split": sample.split in ("train", "valid", None),
        "repeats": type(sample.repeats) is int and 1 <= sample.repeats <= MOST_REPEATS,
    }


def _wanted(name: str) -> Message:
    """What a field has to hold."""
    return {
        "id": msg("a text of at least one character"),
        "audios": msg("paths, with `start` and `end` as seconds from 0 on"),
        "texts": msg("texts in quotes, by role"),
        "attributes": msg("an object that is not nested deeply (its `seconds`, where there is no audio, a number)"),
        "source": msg("a text"),
        "split": msg("`train` or `valid`"),
        "repeats": msg("a whole number from 1 to {most}", most=MOST_REPEATS),
    }[name]


def _is_seconds(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= _LONGEST  # type: ignore[operator]


def _reason(error: Exception) -> Message:
    """Why a line is no sample."""
    match error:
        case KeyError():
            return msg("it has no `{name}`", name=str(error.args[0]))
        case RecursionError():
            return msg("it is nested too deeply")
        case json.JSONDecodeError() | UnicodeDecodeError():
            return msg("it is not JSON: {error}", error=getattr(error, "msg", str(error)))
        case ValueError() if isinstance(error.args[0], Message):
            return error.args[0]
        case ValueError():
            return msg("a number in it is too long")
    return msg("a value in it has the wrong type")


def write_manifest(path: Path, samples: Iterable[Sample]) -> None:
    """Write samples as JSONL (UTF-8, one per line), atomically."""
    write_text(path, "".join(json.dumps(s.to_json(), ensure_ascii=False) + "\n" for s in samples))


def read_manifest(path: Path) -> Iterator[Sample]:
    """Read samples back from JSONL.

    Raises:
        TunesmithError: naming ``file:line`` when a line is not a sample.
    """
    return (sample for _, sample in manifest_lines(path))


def manifest_lines(path: Path) -> Iterator[tuple[bytes, Sample]]:
    """The same, each sample with its line.

    Raises:
        TunesmithError: as :func:`read_manifest`.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield line, Sample.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise TunesmithError(
                    msg("this line is not a sample ({reason})", reason=_reason(error)),
                    where=f"{path}:{number}",
                    remedy=msg("Correct or remove the line."),
                ) from error


def is_present(sample: Sample) -> bool:
    """Whether all audio files of a sample are there."""
    return all(Path(audio.path).is_file() for audio in sample.audios.values())


CLONE = "clone"
"""The edit type of a sample that names none: the prompt's voice says another text."""


def edit_type(attributes: Mapping[str, Any]) -> str:
    """The edit type that a sample's attributes name."""
    return str(attributes.get("edit_type") or CLONE)


def speaker(sample: Sample) -> str:
    """Who speaks; all samples that do not say so are of one speaker."""
    return str(sample.attributes.get("speaker_id") or sample.attributes.get("speaker") or "")
