"""What two looks at the same clips search for once, and only the same ones."""

from __future__ import annotations

import numpy as np

from tests.data.sounds import phrase, save
from tunesmith.data import altered_copies, fingerprint
from tunesmith.data.checks import CheckLimits, run_checks
from tunesmith.data.sample import AudioRef, Sample

LIMITS = CheckLimits(short_seconds=1.0)


def test_a_second_look_at_the_same_clips_finds_the_same_without_a_search(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    sounds = [phrase(n) for n in range(3)]
    sounds.append(sounds[1] + 1e-4 * rng.standard_normal(sounds[1].shape))
    paths = [save(tmp_path / f"{n}.wav", sound) for n, sound in enumerate(sounds)]
    samples = [Sample(p.name, {"audio": AudioRef(str(p))}, {"caption": p.name}) for p in paths]
    calls = []
    for module, name in ((fingerprint, "near_duplicates"), (altered_copies, "altered_copies")):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, _real=real, _name=name, **k: calls.append(_name) or _real(*a, **k))
    first = run_checks(samples, LIMITS)
    assert sorted(calls) == ["altered_copies", "near_duplicates"] and first.similar == [] != first.findings
    again = run_checks(samples, LIMITS)
    assert len(calls) == 2 and again.findings == first.findings and again.quarantined == first.quarantined
    run_checks(samples, LIMITS.model_copy(update={"duplicate_score": 0.9}))
    assert calls[2:] == ["near_duplicates"], "another limit is another search"
    run_checks(samples[:-1], LIMITS)
    assert len(calls) == 5, "so are other clips"
    assert run_checks(samples, LIMITS).findings == first.findings
