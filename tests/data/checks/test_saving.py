"""What was measured is kept while the measuring goes on: a killed command loses seconds."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tests.evaluation.speech.talk import RATE, talk
from tunesmith.data.checks import saving, survey
from tunesmith.data.checks.facts import FactStore, fact_key
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.speech.recordings import measure
from tunesmith.speech.recordings.facts import SpokenStore
from tunesmith.speech.recordings.measure import Listener
from tunesmith.speech.speaker_vector import VoiceVector


class Clock:
    """A clock that moves when it is told to."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(saving, "time", made)
    return made


def test_saving_takes_a_small_part_of_the_time(clock):
    saved = []

    def save_slowly() -> None:
        saved.append(clock.now)
        clock.now += 2.0

    each = saving.Saving(save_slowly, least_s=10.0)
    for _ in range(200):
        clock.now += 1.0
        each.tick()
    assert saved[0] == 10.0 and {round(b - a) for a, b in pairwise(saved)} == {42}


def test_facts_are_on_disk_before_the_last_clip_is_measured(tmp_path, monkeypatch, clock):
    refs = [AudioRef(str(save(tmp_path / f"{n}.wav", phrase(n, 1.5)))) for n in range(3)]
    facts, known = tmp_path / "facts.jsonl", []

    def measured(job):
        known.append(FactStore(facts).get(fact_key(refs[0]), signals=True, fingerprint=False) is not None)
        clock.now += 11.0
        return real(job)

    from tunesmith.data.checks import measure as module

    real = module.measure_clip
    monkeypatch.setattr(module, "measure_clip", measured)
    samples = [Sample(f"{n}", {"audio": ref}, {}) for n, ref in enumerate(refs)]
    survey.Survey(CheckLimits(), fingerprint=False, facts_path=facts).measure(samples)
    assert known == [False, True, True]


def spoken_context(folder: Path, count: int):
    from tunesmith.data.checks.context import CheckContext, CheckedClip
    from tunesmith.data.checks.facts import ClipFacts

    clips = []
    for number in range(count):
        path = save(folder / f"{number}.wav", talk("one two three, four five", seed=number)[0], RATE)
        sample = Sample(f"{number}", {"audio": AudioRef(str(path))}, {})
        clips.append(CheckedClip(sample, {"audio": ClipFacts(peak=0.3)}))
    return CheckContext(tuple(clips), CheckLimits())


def test_an_interrupted_listener_keeps_what_it_has_heard(tmp_path):
    context, path, heard = spoken_context(tmp_path, 3), tmp_path / "spoken.jsonl", []

    def embed(mono, rate):
        heard.append(len(mono))
        if len(heard) == 3:
            raise KeyboardInterrupt
        return mono[:4]

    listener = Listener(VoiceVector("mine", embed), path=path)
    with pytest.raises(KeyboardInterrupt):
        listener.hear(context)
    assert len(SpokenStore(path).known) == 2
    assert len(listener.hear(context)) == 3 and len(heard) == 4, "only the third is heard again"
    assert measure.fact_key(context.clips[0].sample.target) in SpokenStore(path).known
