"""A voice prompt for every sample that came without one: another clip of the same speaker.

The prompt of a clip is the first clip that fits after its place on a ring on which the seed has put all clips. So it
depends neither on their order nor on what other clips are there, but for the few that a new clip comes to stand before.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tunesmith.data.augmented import Augmented
from tunesmith.data.item_rng import key_of
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, AudioRef, Sample, edit_type
from tunesmith.families.step_audio.edits import is_clone
from tunesmith.families.step_audio.text_checks import TARGET_TOKENS, finding
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

GOOD_SECONDS = (3.0, 15.0)
"""Long enough to tell a voice, short enough to leave the LLM room for the answer."""


def speaker(sample: Sample) -> str:
    """Who speaks; all samples that do not say so are of one speaker."""
    return str(sample.attributes.get("speaker_id") or sample.attributes.get("speaker") or "")


def pair(samples: Sequence[Sample], seed: int) -> Augmented:
    """Give every sample without a prompt another training clip of its speaker, with its transcript.

    Clips of 3 to 15 s with a transcript, and with other words, are taken before others. Held-out clips are nobody's
    prompt. A sample that is an edit, or whose speaker has no other clip, cannot be paired.

    Args:
        samples: With their split and durations.
        seed: Draws the prompts.
    """
    rings = {name: _Rings(tuple(clips), seed) for name, clips in _candidates(samples).items()}
    done: list[Sample] = []
    findings: list[Finding] = []
    for sample in samples:
        if PROMPT in sample.audios or TARGET_TOKENS in sample.attributes:
            done.append(sample)
        elif not is_clone(edit_type(sample.attributes)):
            findings.append(_no_source(sample))
        elif (found := rings[speaker(sample)].prompt_of(sample) if speaker(sample) in rings else None) is None:
            findings.append(_alone(sample))
        else:
            done.append(_with_prompt(sample, found))
    return Augmented(done, findings, list(_notes(samples, done)))


@dataclass(frozen=True)
class _Rings:
    """One speaker's clips, the good ones on rings of their own."""

    clips: tuple[Sample, ...]
    seed: int

    @cached_property
    def rings(self) -> list[list[tuple[int, Sample]]]:
        transcribed = [clip for clip in self.clips if clip.texts.get("caption", "").strip()]
        groups = ([c for c in transcribed if _good(c)], transcribed, [c for c in self.clips if _good(c)], self.clips)
        return [sorted(((self.place(c), c) for c in group), key=lambda pair: pair[0]) for group in groups]

    def place(self, clip: Sample) -> int:
        return key_of(self.seed, "prompt", clip.id)

    def prompt_of(self, sample: Sample) -> Sample | None:
        """The clip to speak like; ``None`` where there is no other one."""
        words = _words(sample)
        for other_words in (True, False):
            for ring in self.rings:
                for clip in _after(ring, key_of(self.seed, "voice", sample.id)):
                    if not _same_sound(sample, clip) and not (other_words and words and _words(clip) == words):
                        return clip
        return None


def _after(ring: Sequence[tuple[int, Sample]], place: int) -> Iterator[Sample]:
    start = bisect(ring, place, key=lambda pair: pair[0])
    yield from (ring[(start + step) % len(ring)][1] for step in range(len(ring)))


def _candidates(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Training clips that speak plainly, by speaker; an edited voice is not how the speaker sounds."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.split != "valid" and sample.target is not None and is_clone(edit_type(sample.attributes)):
            found[speaker(sample)].append(sample)
    return found


def _with_prompt(sample: Sample, clip: Sample) -> Sample:
    ref = clip.target
    assert ref is not None, "clips on a ring have audio"
    transcript = clip.texts.get("caption", "").strip()
    texts = {**sample.texts, PROMPT_TEXT: transcript} if transcript else sample.texts
    return replace(sample, audios={**sample.audios, PROMPT: ref}, texts=texts)


def _good(clip: Sample) -> bool:
    return GOOD_SECONDS[0] <= clip.seconds <= GOOD_SECONDS[1]


def _words(sample: Sample) -> str:
    return " ".join(sample.texts.get("caption", "").casefold().split())


def _same_sound(sample: Sample, clip: Sample) -> bool:
    """Whether two samples are cut from one file so that they share some of it."""
    a, b = sample.target, clip.target
    return a is not None and b is not None and a.path == b.path and _ends_after(a, b) and _ends_after(b, a)


def _ends_after(ref: AudioRef, other: AudioRef) -> bool:
    """Whether one excerpt ends after the other begins."""
    return ref.end is None or ref.end > other.start


def _notes(samples: Sequence[Sample], done: Sequence[Sample]) -> Iterator[Message]:
    before = {sample.id for sample in samples if PROMPT in sample.audios}
    given = [sample for sample in done if PROMPT in sample.audios and sample.id not in before]
    if given:
        yield _given(len(given), len({speaker(sample) for sample in given}))
    trained = {str(s.audios[PROMPT]) for s in done if s.split != "valid" and PROMPT in s.audios}
    held_out_prompts = sum(s.split == "valid" and str(s.target) in trained for s in done)
    if held_out_prompts:
        yield msg(
            "{count} held-out clips are prompts of training lines: their sound is heard there, though not learnt.",
            count=held_out_prompts,
        )


def _given(clips: int, speakers: int) -> Message:
    if speakers == 1:
        return msg(
            "{clips} clips of 1 speaker get another training clip of the same speaker as their prompt.", clips=clips
        )
    return msg(
        "{clips} clips of {speakers} speakers get another training clip of the same speaker as their prompt.",
        clips=clips,
        speakers=speakers,
    )


def _alone(sample: Sample) -> Finding:
    name = speaker(sample)
    if name:
        message = msg("there is no other training clip of {speaker} to take as its prompt", speaker=name)
    else:
        message = msg("there is no other training clip to take as its prompt")
    remedy = msg("Add clips of this voice, or name a prompt in a list of pairs (prompt_audio_path).")
    return finding(sample, "error", message, remedy)


def _no_source(sample: Sample) -> Finding:
    kind = edit_type(sample.attributes)
    message = msg("its edit_type is {kind}, and it has no source audio to edit", kind=kind)
    return finding(sample, "error", message, msg("Name the source as prompt_audio_path."))
