"""Whether the texts of a set belong to its recordings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tunesmith.data.checks.context import CheckContext, CheckedClip
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.speech.recordings.assignment import assignments
from tunesmith.speech.recordings.facts import SpokenFacts
from tunesmith.speech.syllables import spoken_length, syllables

SENTENCE = "when the old ferry left the harbour in the morning nobody had seen the captain since the evening before"
WORDS = SENTENCE.split()
COUNT = 24


def found(order: list[int], who: str = "", words: list[int] | None = None):
    """What is said of clips of 4 to 18 words when clip n has the text of clip ``order[n]``."""
    rng = np.random.default_rng(0)
    lengths = words or [int(n) for n in rng.integers(4, 18, len(order))]
    texts = [" ".join(WORDS[:n]) for n in lengths]
    clips, heard = [], {}
    for n, other in enumerate(order):
        attributes = {"speaker_id": who} if who else {}
        sample = Sample(f"{n}", {"audio": AudioRef(f"{n}.wav")}, {"caption": texts[other]}, attributes=attributes)
        clips.append(CheckedClip(sample, {}))
        spoken = syllables(texts[n]) / 4.5 * math.exp(0.12 * rng.standard_normal())
        heard[f"{n}"] = SpokenFacts(spoken, -40.0, 0.0, 0.0, (), "")
    return list(assignments(CheckContext(tuple(clips), CheckLimits()), heard))


def test_texts_that_belong_to_their_clips_have_nothing_to_tell():
    assert found(list(range(COUNT))) == [] == found(list(range(16)))


@pytest.mark.parametrize("by", [1, -2])
def test_a_list_that_slipped_is_told_with_its_places(by):
    (finding,) = found([(n + by) % COUNT for n in range(COUNT)])
    assert (finding.check, finding.level, finding.clip) == ("transcript", "warn", "*")
    assert f"the texts of 24 clips have slipped by {abs(by)}:" in str(finding.message)
    assert finding.value < finding.limit == pytest.approx(2.33 / math.sqrt(23))


def test_shuffled_texts_are_told_with_the_speaker():
    order = [int(n) for n in np.random.default_rng(3).permutation(COUNT)]
    (finding,) = found(order, who="Ann")
    assert "24 clips of Ann seem to belong to other clips" in str(finding.message)


def test_what_cannot_be_told_is_not():
    assert found([(n + 1) % 15 for n in range(15)]) == [], "too few clips"
    alike = [9, 10] * (COUNT // 2)
    assert found([(n + 1) % COUNT for n in range(COUNT)], words=alike) == [], "texts of one length fit anywhere"


@pytest.mark.parametrize(
    ("text", "least", "most"), [("strengths", 1.1, 1.9), ("a banana", 3.0, 4.2), ("你好世界", 3.5, 4.0)]
)
def test_a_text_is_as_long_as_it_takes_to_say(text, least, most):
    assert least < spoken_length(text) < most
