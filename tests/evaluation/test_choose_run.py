"""Which run to keep: the sound one with the lower loss on the same clips, or that it cannot be told."""

from __future__ import annotations

import pytest

from tests.evaluation.probed import probed
from tests.report import fake_run
from tunesmith.evaluation.choose_run import Evaluated, compare_runs
from tunesmith.records.loss_probes import ClipLoss
from tunesmith.records.run_finding import ClipVerdict
from tunesmith.records.runs_compared import RunsCompared
from tunesmith.records.sound_comparison import SetDistance, SoundComparison
from tunesmith.records.speech_comparison import SpeechComparison
from tunesmith.report.compared import build_compared
from tunesmith.texts import Message


def evaluated(name: str, loss: float, clips: int = 6, spread: float = 0.01, broken: bool = False, **changes):
    record = fake_run.record(["a beat", "a bell"], 3.0)
    each = tuple(ClipLoss(clip=f"{i}.wav", base=4.0 + i, adapter=loss + i + (-1) ** i * spread) for i in range(clips))
    losses = record.losses.model_copy(
        update={
            "adapter": record.losses.adapter.model_copy(update={"loss": loss}),
            "probes": probed().model_copy(update={"each_held_out": each}),
        }
    )
    findings = tuple(f.model_copy(update={"kind": "broken" if broken else "better"}) for f in record.findings[:1])
    return Evaluated(name, record.model_copy(update={"losses": losses, "findings": findings, **changes}))


def test_the_lower_loss_on_the_same_clips_is_kept():
    found = compare_runs([evaluated("late", 3.2), evaluated("early", 3.0), evaluated("last", 3.4)])
    assert found.choice.name == "early" and [run.name for run in found.runs] == ["early", "late", "last"]
    assert "(-0.200 to -0.200 over 6 clips" in str(found.choice.sentence)
    assert found.runs[0].flagged == 1 and found.notes == ()
    assert RunsCompared.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("other", "why"),
    [({"loss": 3.01}, "a hundredth is no difference"), ({"loss": 3.2, "clips": 4}, "four clips cannot tell")],
)
def test_what_cannot_be_told_is_not_told(other, why):
    found = compare_runs([evaluated("a", 3.0), evaluated("b", **other)])
    assert found.choice.name == "" and "cannot be told" in str(found.choice.sentence), why
    assert found.choice.rivals == ("a", "b")


def test_a_broken_run_is_never_kept():
    found = compare_runs([evaluated("broken", 2.0, broken=True), evaluated("sound", 3.0)])
    assert found.choice.name == "sound" and "broken" in str(found.choice.sentence)
    both = compare_runs([evaluated("a", 2.0, broken=True), evaluated("b", 3.0, broken=True)])
    assert both.choice.name == "" and "None of them" in str(both.choice.sentence)


def test_what_makes_runs_hard_to_compare_is_said_and_the_page_shows_all():
    other = evaluated("b", 3.5, clips=5, prompts=fake_run.record(["another"], 3.0).prompts)
    found = compare_runs([evaluated("a", 3.0), other])
    assert len(found.notes) == 2
    page = build_compared(found)
    for words in ("3.500", "Runs side by side", "并列", "do not hold out the same clips"):
        assert words in page
    assert "<script" in page and "http-equiv" in page and "{{" not in page


def test_speech_that_different_ears_measured_is_not_held_against_each_other():
    lost = ClipVerdict(name="voice_lost", sentence=Message.fixed("another"), value=0.1, limit=0.7, severity="flaw")

    def spoken(name: str, loss: float, voice: str, *verdicts: ClipVerdict) -> Evaluated:
        one = evaluated(name, loss)
        row = one.comparison.prompts[0]
        lora = row.lora.model_copy(update={"verdicts": verdicts})
        finding = one.comparison.findings[0].model_copy(update={"name": "voice_lost", "kind": "broken"})
        speech = SpeechComparison(transcriber=None, error_rate=None, voice=voice, edit_types=())
        changes = {
            "prompts": (row.model_copy(update={"lora": lora}),),
            "findings": (finding,) if verdicts else (),
            "speech": speech,
        }
        return Evaluated(name, one.comparison.model_copy(update=changes))

    apart = compare_runs([spoken("a", 3.0, "GE2E", lost), spoken("b", 3.4, "MFCC statistics")])
    assert apart.choice.name == "a" and [run.flagged for run in apart.runs] == [0, 0]
    assert "different ears (a: GE2E, b: MFCC statistics)" in str(apart.notes[0])
    alike = compare_runs([spoken("a", 3.0, "GE2E", lost), spoken("b", 3.4, "GE2E")])
    assert alike.choice.name == "b" and alike.notes == ()


def test_distances_that_different_ears_told_are_not_held_against_each_other():
    def far(name: str, loss: float, *ears: str) -> Evaluated:
        distance = SetDistance(value=loss, null_mean=0, null_spread=1, clips=8, reference=12)
        return evaluated(name, loss, sound=SoundComparison(base=distance, adapter=distance, ears=ears))

    apart = compare_runs([far("a", 3.0, "musicnn"), far("b", 3.4)])
    assert [run.distance for run in apart.runs] == [None, None]
    assert "told by different ears" in str(apart.notes[0])
    alike = compare_runs([far("a", 3.0, "musicnn"), far("b", 3.4, "musicnn")])
    assert [run.distance for run in alike.runs] == [3.0, 3.4] and alike.notes == ()
    without = compare_runs([far("a", 3.0, "musicnn"), evaluated("b", 3.4, sound=None)])
    assert without.notes == () and without.runs[0].distance == 3.0


def test_copies_of_a_base_model_are_one(tmp_path):
    runs = []
    for name, weights in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(weights)
        one = evaluated(name, 3.0)
        settings = one.comparison.settings.model_copy(update={"base": str(folder)})
        runs.append(Evaluated(name, one.comparison.model_copy(update={"settings": settings})))
    said = [[str(note) for note in compare_runs(two).notes] for two in (runs[:2], runs[1:])]
    assert said[0] == [] and said[1] == ["They have different base models."]
