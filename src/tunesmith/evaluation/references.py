"""The user's own clips that results are compared with, as they sound after the model's own codec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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


def own_clips(context: RunContext, prompts: Sequence[Prompt], evaluator: SpeechEvaluator | None = None) -> OwnClips:
    """Crops of the user's clips at the model's rate: those of the prompts first, then others up to a fixed number.

    Speech is not cropped, and is compared with the same text and voice as what is generated.
    """
    from tunesmith.audio.decode import probe
    from tunesmith.data.load import load
    from tunesmith.prompting.spoken import prompt_of
    from tunesmith.run.device import pick_device

    samples = {s.id: s for s in evaluated_samples(context.folder) if s.target is not None}
    if not samples:
        return OwnClips([], [], [])
    prompted = [p.sample.id for p in prompts if p.sample and p.recording]
    order = prompted + sorted(name for name, sample in samples.items() if not is_replay(sample))
    count = max(REFERENCE_CLIPS, len(set(prompted)) if evaluator else 0)
    chosen = [samples[i] for i in dict.fromkeys(order) if i in samples]
    card, role = context.family.card.facts(), context.family.type.audio_roles[-1]
    lost: list[str] = []

    def heard(of: Iterable[Sample], most: int, seconds: float | None) -> Iterator[tuple[Sample, np.ndarray]]:
        """The beginnings of the first clips that can be read."""
        for sample in of:
            ref = sample.audios[role]
            longest = None if seconds is None else ref.start + seconds
            until = min((x for x in (ref.end, longest) if x is not None), default=None)
            try:
                audio = load(AudioRef(ref.path, ref.start, until), card.sample_rate, card.channels)
            except UnreadableAudioError:
                lost.append(sample.id)
                continue
            yield sample, audio
            most -= 1
            if most <= 0:
                return

    clips, training, known = [], [], []
    with context.family.encoding.kept(pick_device(context.recipe.model.device)) as encoder:
        for sample, audio in heard(chosen, count, None if evaluator else context.recipe.evaluate.seconds):
            ref = sample.audios[role]
            coded = encoder.round_trip(audio)
            coded = audio if coded is None else coded
            if evaluator is None:
                length, whole = audio.shape[1] / card.sample_rate, probe(ref.path).seconds
                signals = replace(measure(coded.T, card.sample_rate), at_end=float(ref.is_end_of(whole, length)))
                is_whole = ref.start == 0 and length > whole - _NEARLY_S
                clips.append(ReferenceClip(sample, audio, coded, signals, is_whole=is_whole))
            elif PROMPT in sample.audios:
                measured = evaluator.measure(prompt_of(sample), coded, card.sample_rate)
                clips.append(ReferenceClip(sample, audio, coded, measured.signals, measured.transcript))
        splits: tuple[Split, ...] = ("train", "valid") if evaluator is None else ()
        searched = [sample for split in splits for sample in _searched(samples.values(), split)]
        for sample, audio in heard(searched, len(searched), SEARCHED_S):
            coded = encoder.round_trip(audio)
            sound = (audio if coded is None else coded).T
            is_held_out = sample.split == "valid"
            known.append(
                KnownClip(
                    sample.source or str(sample.audios[role].path), is_held_out, window_vectors(sound, card.sample_rate)
                )
            )
            if not is_held_out:
                training.append((sample.id, sound, card.sample_rate))
    warn_of_unreadable(context, lost)
    return OwnClips(clips, training, known)


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
