"""The user's own clips that results are compared with, as they sound after the model's own codec."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import PROMPT, AudioRef, Sample, Split
from tunesmith.evaluation.signals import Signals, measure
from tunesmith.evaluation.sound.embedding import window_vectors
from tunesmith.evaluation.sound.memorised import KnownClip
from tunesmith.records.comparison import CodecCeiling
from tunesmith.run.evaluated import evaluated_samples, warn_of_unreadable

if TYPE_CHECKING:
    from tunesmith.data.prompt import Prompt
    from tunesmith.evaluation.speech.measures import SpeechEvaluator
    from tunesmith.families.contract import Encoder
    from tunesmith.run.context import RunContext

SEARCHED_CLIPS, SEARCHED_S = 24, 30.0
"""Clips of either side, and seconds of each, that outputs are held against one by one."""
SONG_S = 60.0
"""A recording from here on that is taken whole is a song, and may fade or die away at its end."""
_NEARLY_S = 0.25
REFERENCE_CLIPS = 12
"""Clips of the user's own that results are compared with: calibrated limits need eight."""


@dataclass(frozen=True)
class ReferenceClip:
    """A crop of one of the user's clips, as long as what is generated; audio (C, N).

    ``coded`` is the crop after the model's own codec, and ``signals`` were measured on it: generated audio has been
    through the codec too, and the codec's faults should not count against it. Speech is not cropped; ``transcript`` is
    ``None`` for music, and without a transcriber. ``is_whole`` tells that nothing of its recording is left out.
    """

    sample: Sample
    audio: np.ndarray
    coded: np.ndarray
    signals: Signals
    transcript: str | None = None
    is_whole: bool = False

    @property
    def is_song(self) -> bool:
        """Whether this is a whole song, which ends as songs do."""
        return self.is_whole and self.signals.duration_s >= SONG_S


@dataclass(frozen=True)
class OwnClips:
    """The user's own clips: crops that results are compared with, and training clips that outputs may be copies of.

    ``training`` are ids, audio (N, C) after the model's own codec and rates in Hz; none of speech. ``known`` are the
    same clips and as many held-out ones at most, as vectors.
    """

    references: list[ReferenceClip]
    training: list[tuple[str, np.ndarray, int]]
    known: list[KnownClip]


@dataclass(frozen=True)
class _Ears:
    """Reads beginnings of clips, and tells how they sound behind the model's own codec; each is coded once."""

    context: RunContext
    encoder: Encoder
    rate: int
    channels: int
    lost: list[str] = field(default_factory=list)
    known: dict[tuple[str, float, int], np.ndarray] = field(default_factory=dict)

    def heard(
        self, samples: Iterable[Sample], most: int, seconds: float | None
    ) -> Iterator[tuple[Sample, np.ndarray, np.ndarray]]:
        """The beginnings of the first ``most`` clips that can be read, and the same coded, both (C, N)."""
        read = (found for sample in samples if (found := self._read(sample, seconds)) is not None)
        for sample, audio in islice(read, most):
            yield sample, audio, self._coded(target_of(sample, self.context), audio)

    def _read(self, sample: Sample, seconds: float | None) -> tuple[Sample, np.ndarray] | None:
        from tunesmith.data.load import load

        ref = target_of(sample, self.context)
        longest = None if seconds is None else ref.start + seconds
        until = min((x for x in (ref.end, longest) if x is not None), default=None)
        try:
            return sample, load(AudioRef(ref.path, ref.start, until), self.rate, self.channels)
        except UnreadableAudioError:
            self.lost.append(sample.id)
            return None

    def _coded(self, ref: AudioRef, audio: np.ndarray) -> np.ndarray:
        key = (str(ref.path), ref.start, audio.shape[1])
        if key not in self.known:
            coded = self.encoder.round_trip(audio)
            if coded is None:
                return audio
            self.known[key] = coded
        return self.known[key]


def target_of(sample: Sample, context: RunContext) -> AudioRef:
    """The sound of a sample that a model learns to make."""
    return sample.audios[context.family.type.audio_roles[-1]]


def own_clips(context: RunContext, prompts: Sequence[Prompt], evaluator: SpeechEvaluator | None = None) -> OwnClips:
    """Crops of the user's clips at the model's rate: those of the prompts first, then others up to a fixed number.

    Speech is not cropped, and is compared with the same text and voice as what is generated.
    """
    from tunesmith.run.device import pick_device

    samples = {s.id: s for s in evaluated_samples(context.folder) if s.target is not None}
    if not samples:
        return OwnClips([], [], [])
    prompted = [p.sample.id for p in prompts if p.sample and p.recording]
    order = prompted + sorted(name for name, sample in samples.items() if not is_replay(sample))
    count = max(REFERENCE_CLIPS, len(set(prompted)) if evaluator else 0)
    chosen = [samples[i] for i in dict.fromkeys(order) if i in samples]
    card = context.family.card.facts()
    with context.family.encoding.kept(pick_device(context.recipe.model.device)) as encoder:
        ears = _Ears(context, encoder, card.sample_rate, card.channels)
        references = list(_references(ears, chosen, count, evaluator))
        training, known = _searched_clips(ears, samples.values()) if evaluator is None else ([], [])
    warn_of_unreadable(context, ears.lost)
    return OwnClips(references, training, known)


def _references(
    ears: _Ears, chosen: Sequence[Sample], count: int, evaluator: SpeechEvaluator | None
) -> Iterator[ReferenceClip]:
    from tunesmith.audio.decode import probe
    from tunesmith.prompting.spoken import prompt_of

    seconds = None if evaluator else ears.context.recipe.evaluate.seconds
    for sample, audio, coded in ears.heard(chosen, count, seconds):
        if evaluator is None:
            ref = target_of(sample, ears.context)
            length, whole = audio.shape[1] / ears.rate, probe(ref.path).seconds
            signals = replace(measure(coded.T, ears.rate), at_end=float(ref.is_end_of(whole, length)))
            is_whole = ref.start == 0 and length > whole - _NEARLY_S
            yield ReferenceClip(sample, audio, coded, signals, is_whole=is_whole)
        elif PROMPT in sample.audios:
            measured = evaluator.measure(prompt_of(sample), coded, ears.rate)
            yield ReferenceClip(sample, audio, coded, measured.signals, measured.transcript)


def _searched_clips(
    ears: _Ears, samples: Collection[Sample]
) -> tuple[list[tuple[str, np.ndarray, int]], list[KnownClip]]:
    """Training clips that outputs may be copies of, and vectors of them and of as many held-out ones at most."""
    training, known = [], []
    splits: tuple[Split, ...] = ("train", "valid")
    searched = [sample for split in splits for sample in _searched(samples, split)]
    for sample, _, coded in ears.heard(searched, len(searched), SEARCHED_S):
        source = sample.source or str(target_of(sample, ears.context).path)
        known.append(KnownClip(source, sample.split == "valid", window_vectors(coded.T, ears.rate)))
        if sample.split == "train":
            training.append((sample.id, coded.T, ears.rate))
    return training, known


def _searched(samples: Iterable[Sample], split: Split) -> list[Sample]:
    """Clips of one side that outputs are held against, evenly from all by id: the same in every evaluation of a run."""
    own = sorted((s for s in samples if s.split == split and not is_replay(s)), key=lambda sample: sample.id)
    count = min(SEARCHED_CLIPS, len(own))
    return [own[index * len(own) // count] for index in range(count)]


def write_references(references: Sequence[ReferenceClip], target: Path, prompts: Sequence[Prompt]) -> dict[str, str]:
    """Write the crops that belong to a prompt; returns file names by sample id."""
    from tunesmith.audio.write import write

    wanted = {p.sample.id for p in prompts if p.sample and p.recording}
    files: dict[str, str] = {}
    for clip in references:
        if clip.sample.id in wanted:
            path = target / "reference" / f"{len(files):02d}.wav"
            write(path, clip.audio, clip.signals.sample_rate)
            files[clip.sample.id] = path.relative_to(target).as_posix()
    return files


def codec_ceiling(references: Sequence[ReferenceClip]) -> CodecCeiling | None:
    """How the user's own clips sound after the codec alone: no adapter can sound better than this."""
    ratios, bands = [], []
    for clip in references:
        if clip.coded is clip.audio:
            return None
        length = min(clip.coded.shape[1], clip.audio.shape[1])
        original = clip.audio[:, :length]
        noise = float(((original - clip.coded[:, :length]) ** 2).sum())
        ratios.append(10 * np.log10(float((original**2).sum()) / max(noise, 1e-12)))
        bands.append(clip.signals.band_edge_hz)
    if not ratios:
        return None
    return CodecCeiling(snr_db=float(np.median(ratios)), bandwidth_hz=float(np.median(bands)), clips=len(ratios))
