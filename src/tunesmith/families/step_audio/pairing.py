"""Voice prompts for every sample that came without one: other clips of the same speaker.

A sample has several prompts to draw from, and every epoch draws anew, so that no clip becomes the voice of all. The
prompts of a clip are the first clips that fit after its place on a ring on which the seed has put all clips. So they
depend neither on their order nor on what other clips are there, but for the few that a new clip comes to stand before.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from tunesmith.data.augmented import Augmented
from tunesmith.data.item_rng import key_of
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, AudioRef, Sample, Variant, edit_type, speaker
from tunesmith.families.step_audio.edits import is_clone
from tunesmith.families.step_audio.sizes import PROMPTS
from tunesmith.families.step_audio.text_checks import TARGET_TOKENS, finding
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

GOOD_SECONDS = (3.0, 15.0)
"""Long enough to tell a voice, short enough to leave the LLM room for the answer."""


_Ring = list[tuple[int, Sample]]
"""Clips by their places, in order."""
_WHOLE_RING = 1 << 128
"""Places are 128-bit keys."""


def pair(samples: Sequence[Sample], seed: int, warned: Collection[str] = (), *, words_matter: bool = True) -> Augmented:
    """Give every sample without a prompt other training clips of its speaker to speak like, with their transcripts.

    A training sample gets up to :data:`PROMPTS`, the further ones as variants that an epoch may draw; a held-out sample
    has one. For a sample with a transcript, clips that have one too are taken before all others; then clips that no
    check has warned of, then clips with other words, and among those clips of 3 to 15 s as far as there are enough.
    Held-out clips are nobody's prompt. A sample that is an edit, or whose speaker has no other clip, cannot be paired.

    Args:
        samples: With their split and durations.
        seed: Draws the prompts.
        warned: Ids of samples that a check has warned of.
        words_matter: Whether a network is trained that reads transcripts.
    """
    rings = {
        name: _Rings(tuple(clips), seed, frozenset(warned), words_matter)
        for name, clips in _candidates(samples).items()
    }
    done: list[Sample] = []
    findings: list[Finding] = []
    for sample in samples:
        if PROMPT in sample.audios or TARGET_TOKENS in sample.attributes:
            done.append(sample)
        elif not is_clone(edit_type(sample.attributes)):
            findings.append(_no_source(sample))
        elif not (found := _prompts_of(sample, rings)):
            findings.append(_alone(sample))
        else:
            done.append(_with_prompts(sample, found))
    return Augmented(done, findings, list(_notes(samples, done)))


def _prompts_of(sample: Sample, rings: Mapping[str, _Rings]) -> list[Sample]:
    found = rings.get(speaker(sample))
    return found.prompts_of(sample) if found else []


@dataclass(frozen=True)
class _Rings:
    """One speaker's clips by how well they serve as a prompt; of each group, those of a good length on their own."""

    clips: tuple[Sample, ...]
    seed: int
    warned: frozenset[str]
    words_matter: bool

    @cached_property
    def spoken(self) -> list[tuple[_Ring, _Ring]]:
        """Clips with a transcript: those without a warning, then all."""
        return self._groups([clip for clip in self.clips if _transcript(clip)])

    @cached_property
    def all(self) -> list[tuple[_Ring, _Ring]]:
        """Clips without a warning, then all."""
        return self._groups(self.clips)

    def _groups(self, clips: Sequence[Sample]) -> list[tuple[_Ring, _Ring]]:
        groups = ([clip for clip in clips if clip.id not in self.warned], clips)
        return [(self._ring([clip for clip in group if _good(clip)]), self._ring(group)) for group in groups]

    def _ring(self, clips: Sequence[Sample]) -> _Ring:
        return sorted(((key_of(self.seed, "prompt", clip.id), clip) for clip in clips), key=lambda pair: pair[0])

    def prompts_of(self, sample: Sample) -> list[Sample]:
        """The clips to speak like, in the order of the ring; none where there is no other one."""
        start, words = key_of(self.seed, "voice", sample.id), _words(sample)
        spoken = self.spoken if self.words_matter and words else []
        for good, whole in (*spoken, *self.all):
            for other_words in (True, False):
                found: dict[str, tuple[int, Sample]] = {}
                for place, clip in chain(_after(good, start), _after(whole, start)):
                    if not _same_sound(sample, clip) and not (other_words and words and _words(clip) == words):
                        found.setdefault(clip.id, ((place - start) % _WHOLE_RING, clip))
                    if len(found) == PROMPTS:
                        break
                if found:
                    return [clip for _, clip in sorted(found.values(), key=lambda pair: pair[0])]
        return []


def _after(ring: _Ring, place: int) -> Iterator[tuple[int, Sample]]:
    start = bisect(ring, place, key=lambda pair: pair[0])
    yield from (ring[(start + step) % len(ring)] for step in range(len(ring)))


def _candidates(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Training clips that speak plainly, by speaker; an edited voice is not how the speaker sounds."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.split != "valid" and sample.target is not None and is_clone(edit_type(sample.attributes)):
            found[speaker(sample)].append(sample)
    return found


def _with_prompts(sample: Sample, clips: Sequence[Sample]) -> Sample:
    first, *further = clips if sample.split != "valid" else clips[:1]
    transcript, own = _transcript(first), dict(sample.texts)
    texts = {**own, PROMPT_TEXT: transcript} if transcript else own
    variants = tuple(Variant({PROMPT: _sound(clip)}, {PROMPT_TEXT: _transcript(clip)}) for clip in further)
    return replace(sample, audios={**sample.audios, PROMPT: _sound(first)}, texts=texts, variants=variants)


def _transcript(clip: Sample) -> str:
    return clip.texts.get("caption", "").strip()


def _sound(clip: Sample) -> AudioRef:
    assert clip.target is not None, "clips on a ring have audio"
    return clip.target


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
    if drawn := [sample for sample in given if sample.variants]:
        yield msg(
            "{clips} of them have up to {prompts} prompts, and every epoch draws one of them anew.",
            clips=len(drawn),
            prompts=PROMPTS,
        )
    training = [variant for s in done if s.split != "valid" for variant in s.in_variants()]
    trained = {str(s.audios[PROMPT]) for s in training if PROMPT in s.audios}
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
