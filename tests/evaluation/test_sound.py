"""What is heard over all outputs together: copies, distance with its null, variety, asked tempi."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.music import RATE, measured, song
from tests.evaluation.probed import probed
from tunesmith.evaluation.diagnosis import Losses, RunData, judge_run
from tunesmith.evaluation.diagnosis.prompt_followed import met
from tunesmith.evaluation.sound.aligned import likeness
from tunesmith.evaluation.sound.compare import HeardSets, asked_tempi, compare_sound
from tunesmith.evaluation.sound.copies import WAVEFORM_THRESHOLD, WINDOW_THRESHOLD, find_copies
from tunesmith.evaluation.sound.distance import kernel_distance, standardised
from tunesmith.evaluation.sound.embedding import SIZE, window_vectors
from tunesmith.records.loss_probes import CaptionGains
from tunesmith.records.sound_comparison import AskedTempo, SetDistance, SoundComparison

TRAINING = [(f"{seed}.wav", song(seed), RATE) for seed in range(8)]
HELD_OUT = [(f"{seed}.wav", song(seed), RATE) for seed in range(8, 12)]
OTHERS = [(song(seed), RATE) for seed in range(20, 28)]
SIGNALS = [measured(seed) for seed in range(20, 28)]


def found(sound) -> dict[str, str]:
    run = RunData(SIGNALS, SIGNALS, sound=sound)
    return {finding.name: finding.kind for finding in judge_run(run)}


def heard(adapter, base=OTHERS) -> HeardSets:
    own = [(song(seed), RATE) for seed in range(12)]
    return HeardSets(base, adapter, own, TRAINING, HELD_OUT, ["trap, 120 bpm"] * len(adapter))


def test_a_pasted_stretch_is_found_where_it_is_and_new_music_is_no_copy():
    pasted = song(21).copy()
    pasted[2 * RATE : 7 * RATE] = song(3)[1 * RATE : 6 * RATE]
    copies = find_copies([(song(20), RATE), (pasted, RATE), (song(2), RATE)], TRAINING, HELD_OUT)
    found = {copy.output: copy for copy in copies}  # scores are of 4 s, so a whole copy is no surer than a stretch
    assert {output: copy.clip for output, copy in found.items()} == {1: "3.wav", 2: "2.wav"}
    assert found[1].in_clip_s - found[1].at_s == pytest.approx(-1, abs=0.1)
    assert copies[0].score >= copies[1].score > 2 * WINDOW_THRESHOLD
    assert find_copies(OTHERS, TRAINING, HELD_OUT) == []
    # Most of the louder song's peaks are left out of its own landmarks where the stretch lies among it.
    quiet = song(24).copy()
    quiet[int(2.4 * RATE) : int(7.4 * RATE)] = 0.1 * song(2)[int(0.7 * RATE) : int(5.7 * RATE)]
    assert [copy.clip for copy in find_copies([(quiet, RATE)], TRAINING, HELD_OUT)] == ["2.wav"]
    shared = [*HELD_OUT, ("same.wav", pasted, RATE)]
    assert find_copies([(pasted, RATE)], TRAINING, shared) == [], "clips that were not trained on share as much"


def test_a_stretch_under_other_music_is_found_by_its_waveform():
    under = song(21).copy()
    under[2 * RATE : 7 * RATE] += song(3)[1 * RATE : 6 * RATE]
    [copy] = find_copies([(under, RATE)], TRAINING, HELD_OUT)
    assert (copy.by, copy.clip) == ("waveform", "3.wav") and copy.score > copy.limit == WAVEFORM_THRESHOLD
    assert copy.in_clip_s - copy.at_s == pytest.approx(-1, abs=0.1)
    assert find_copies([(under, RATE)], TRAINING, [*HELD_OUT, ("same.wav", under, RATE)]) == []
    sound = compare_sound(heard([(under, RATE)] * 4), None, SIGNALS[:4])
    finding = next(f for f in judge_run(RunData(SIGNALS, SIGNALS, sound=sound)) if f.name == "copies")
    assert f"its waveform follows the clip's to {copy.score:.0%}" in str(finding.sentence)


def test_waveforms_of_one_recording_follow_each_other_and_no_others_do():
    mono, other = song(3).mean(axis=1), song(5).mean(axis=1)
    stretch = mono[RATE : 5 * RATE]
    assert likeness(-0.1 * stretch, mono, 1.02, RATE) == pytest.approx(1, abs=0.01), "25 ms off, softer, turned over"
    assert likeness(stretch, mono, 1.5, RATE) < 0.5
    assert likeness(stretch, other, 1.0, RATE) < 0.15
    assert likeness(stretch, mono, 30.0, RATE) == likeness(np.zeros(RATE), mono, 0.0, RATE) == 0


def test_the_distance_of_like_music_lies_within_its_null_and_that_of_noise_far_beyond():
    rng = np.random.default_rng(0)
    windows = [window_vectors(song(seed), RATE) for seed in range(24)]
    assert windows[0].shape[1] == SIZE and window_vectors(np.zeros(RATE // 2), RATE).shape == (0, SIZE)
    noisy = [window_vectors(song(seed) + 0.1 * rng.standard_normal(song(seed).shape), RATE) for seed in range(8)]
    like, noise, own = standardised([windows[:8], noisy, windows[8:]], windows[8:])
    assert abs(kernel_distance([(like, own)]).z) < 4 < kernel_distance([(noise, own)]).z
    assert kernel_distance([(like[:3], own)]) is None


def test_two_embeddings_make_one_distance_and_clips_that_one_cannot_hear_are_left_out():
    rng = np.random.default_rng(0)
    first, second = (
        ([rng.normal(shift, 1, (3, 5)) for _ in range(8)], [rng.normal(0, 1, (3, 5)) for _ in range(12)])
        for shift in (0.0, 2.0)
    )
    alone, other, both = (kernel_distance(views) for views in ([first], [second], [first, second]))
    assert both.value == pytest.approx((alone.value + other.value) / 2) and both.value > alone.value + 1
    assert both.null_mean == pytest.approx((alone.null_mean + other.null_mean) / 2)
    unheard = ([np.zeros((0, 5)), *second[0][1:]], second[1])
    without = [(first[0][1:], first[1]), (second[0][1:], second[1])]
    assert kernel_distance([first, unheard]) == kernel_distance(without)
    assert kernel_distance([first, unheard]).clips == 7


def test_a_run_is_told_what_it_copied_and_that_all_sounds_alike():
    same = [(song(5), RATE)] * 8
    sound = compare_sound(heard(same), SIGNALS, SIGNALS)
    assert len(sound.copies) == 8 and sound.training_clips == 8
    assert sound.variety.adapter == 0 < sound.variety.reference
    assert {"copies": "worse", "variety": "worse"}.items() <= found(sound).items()
    good = compare_sound(heard(OTHERS), SIGNALS, SIGNALS)
    assert not {"copies", "variety", "distance", "asked_tempo"} & set(found(good))


def test_outputs_that_left_the_clips_are_further_from_them():
    rng = np.random.default_rng(1)
    noise = [(0.1 * rng.standard_normal((4 * RATE, 2)), RATE) for _ in range(8)]
    assert found(compare_sound(heard(noise), SIGNALS, SIGNALS))["distance"] == "worse"
    assert found(compare_sound(heard(OTHERS, noise), SIGNALS, SIGNALS))["distance"] == "better"


def test_a_distance_that_a_learned_ear_told_has_to_move_further():
    def told(after: float, *ears: str) -> bool:
        base, tuned = (SetDistance(value=v, null_mean=0, null_spread=1, clips=8, reference=12) for v in (10, after))
        return "distance" in found(SoundComparison(base=base, adapter=tuned, ears=ears))

    assert told(5) and not told(5, "musicnn") and told(3, "musicnn") and not told(7)


def test_asked_tempi_are_met_at_half_and_double_too():
    assert met(120, 60.5) and met(120, 118) and met(75, 150) and not met(120, 100) and not met(120, None)
    beat = [replace(clip, tempo_bpm=120.0, tempo_confidence=0.6) for clip in SIGNALS]
    none = [replace(clip, tempo_confidence=0.1) for clip in SIGNALS]
    prompts = ["a beat at 120 BPM"] * 7 + ["a beat"]
    tempi = asked_tempi(prompts, none, beat)
    assert len(tempi) == 7 and {t.adapter for t in tempi} == {120.0} and {t.base for t in tempi} == {None}
    sound = compare_sound(heard([]), None, []).model_copy(update={"tempi": tuple(tempi)})
    assert found(sound)["asked_tempo"] == "better"
    back = tuple(t.model_copy(update={"base": t.adapter, "adapter": t.base}) for t in tempi)
    assert found(sound.model_copy(update={"tempi": back}))["asked_tempo"] == "worse"
    assert "asked_tempo" not in found(sound.model_copy(update={"tempi": tuple(tempi[:5])}))


def test_prompts_that_are_ignored_are_told_though_some_tempi_are_met_by_chance():
    asked = (80, 90, 95, 104, 115, 124, 140, 155)
    ignored = (83, 124, 140, 108, 80, 155, 104, 115)  # two within 4 %
    pairs = enumerate(zip(asked, ignored, strict=True))
    heard = tuple(AskedTempo(prompt=number, asked=bpm, base=bpm, adapter=other) for number, (bpm, other) in pairs)
    sound = compare_sound(HeardSets([], [], [], [], [], []), None, [])
    assert found(sound.model_copy(update={"tempi": heard}))["asked_tempo"] == "worse"
    both = tuple(t.model_copy(update={"base": asked[i - 1]}) for i, t in enumerate(heard))
    assert "asked_tempo" not in found(sound.model_copy(update={"tempi": both}))
    close = tuple(t.model_copy(update={"adapter": 1.03 * t.asked}) for t in heard)
    assert "asked_tempo" not in found(sound.model_copy(update={"tempi": close})), "all are met still"


def test_captions_that_lost_their_worth_are_told():
    base = (0.9, 0.4, 0.7, 0.2, 0.5, 0.3, 0.8)
    for adapter, expected in ((tuple(0.2 * b for b in base), True), (base, False)):
        gains = CaptionGains(base=base, adapter=adapter)
        losses = Losses(4.0, 3.0, probes=probed().model_copy(update={"gains": gains}))
        names = [finding.name for finding in judge_run(RunData(None, SIGNALS, losses=losses))]
        assert ("prompt_followed" in names) == expected
