from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.label.answers import GOOD, Script, clip, good, records, silence, texts
from tunesmith.data.labels import read_labels
from tunesmith.data.layouts import read_layout
from tunesmith.errors import TunesmithError
from tunesmith.label.label_clips import label_folder
from tunesmith.label.prompt import SYSTEM, system_prompt
from tunesmith.label.provider import NoAnswerError, Question
from tunesmith.label.work import LabelStats
from tunesmith.run.console import Console

TAGS = "trap, hip hop, 808 bass, hi hats, bells, dark, 150 bpm"


def label(
    folder: Path, *answers: str | BaseException, system: str = SYSTEM, **options: object
) -> tuple[LabelStats, Script]:
    listener = Script(*answers)
    return label_folder(folder, listener, system, console=Console(quiet=True), **options), listener  # type: ignore[arg-type]


def measure(folder: Path) -> LabelStats:
    return label_folder(folder, None, SYSTEM, console=Console(quiet=True))


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Two clips without any text."""
    clip(tmp_path / "a.wav", seed=0)
    clip(tmp_path / "b.wav", seed=1)
    return tmp_path


def test_measuring_makes_a_folder_a_trio(pair: Path) -> None:
    tally = measure(pair)
    assert (tally.made, tally.written) == (2, 2)
    assert texts(pair) == {f"{name}_prompt.txt": "energetic, deep bass, 150 bpm" for name in "ab"}
    labels = read_labels(pair)
    assert set(labels) == {"a.wav", "b.wav"}
    assert (labels["a.wav"].provider, labels["a.wav"].tags_from, labels["a.wav"].recaption) == (
        "measured",
        "measured",
        None,
    )
    layout = read_layout(pair)
    assert layout.name == "trio"
    assert [sample.texts["caption"] for sample in layout.samples] == ["energetic, deep bass, 150 bpm"] * 2


def test_a_model_is_asked_with_what_was_measured_and_its_tempo_is_replaced(pair: Path) -> None:
    tally, listener = label(pair, good(), good())
    assert tally.made == 2
    assert texts(pair)["a_prompt.txt"] == TAGS
    found = read_labels(pair)["a.wav"]
    assert found.recaption == {**GOOD, "analysis": {**GOOD["analysis"], "tempo": "150 bpm"}}
    assert (found.tags_from, found.model, found.heard) == ("model", "m", None)
    question = listener.questions[0]
    assert question.system == SYSTEM
    assert "tempo 150 bpm" in question.text
    assert "Valid tags" not in question.text
    assert (question.audio.dtype, question.audio.shape) == (np.float32, (4 * 16000,))


def test_a_long_clip_is_heard_in_its_middle_and_that_is_said(tmp_path: Path) -> None:
    clip(tmp_path / "a.wav", seconds=31.0)
    _, listener = label(tmp_path, good())
    assert len(listener.questions[0].audio) == 29 * 16000
    assert "length 31.0 s" in listener.questions[0].text
    assert "You hear 1.0 s to 30.0 s of it." in listener.questions[0].text
    assert read_labels(tmp_path)["a.wav"].heard == (1.0, 30.0)


def test_a_second_run_asks_nothing_and_another_prompt_or_model_asks_again(pair: Path) -> None:
    label(pair, good(), good())
    before = (pair / "labels.jsonl").read_bytes()
    tally, listener = label(pair)
    assert (tally.known, tally.made, tally.written, listener.questions) == (2, 0, 0, [])
    assert (pair / "labels.jsonl").read_bytes() == before
    assert label(pair, good(), good(), system="mine")[0].made == 2
    other = Script(good(), good(), model="n")
    assert label_folder(pair, other, SYSTEM, console=Console(quiet=True)).made == 2


def test_a_renamed_clip_keeps_its_label_and_a_changed_one_does_not(pair: Path) -> None:
    label(pair, good(), good(simplified="drill"))
    (pair / "a.wav").rename(pair / "c.wav")
    clip(pair / "b.wav", seed=2)
    tally, listener = label(pair, good(simplified="house"))
    assert (tally.known, len(listener.questions)) == (1, 1)
    assert texts(pair)["c_prompt.txt"] == TAGS
    assert {name: found.recaption["simplified"] for name, found in read_labels(pair).items() if found.recaption} == {
        "a.wav": "trap",
        "b.wav": "house",
        "c.wav": "trap",
    }


def test_a_clip_that_is_put_back_has_its_label_again(pair: Path) -> None:
    label(pair, good(), good())
    first = (pair / "a.wav").read_bytes()
    clip(pair / "a.wav", seed=2)
    label(pair, good(simplified="drill"))
    (pair / "a.wav").write_bytes(first)
    assert label(pair)[0].known == 2
    recaption = read_labels(pair)["a.wav"].recaption
    assert recaption is not None
    assert recaption["simplified"] == "trap"


def test_the_users_tags_lead_and_stay(pair: Path) -> None:
    (pair / "a_prompt.txt").write_text("phonk, 75 bpm")
    tally, listener = label(pair, good(), good())
    assert (tally.written, tally.left) == (1, 1)
    assert texts(pair) == {"a_prompt.txt": "phonk, 75 bpm", "b_prompt.txt": TAGS}
    assert "Valid tags: phonk, 75 bpm." in listener.questions[0].text
    found = read_labels(pair)["a.wav"]
    assert (found.tags, found.tags_from) == (("phonk", "75 bpm"), "user")
    assert found.recaption is not None


def test_tags_that_the_user_edits_become_the_users_and_are_asked_about(pair: Path) -> None:
    label(pair, good(), good())
    (pair / "a_prompt.txt").write_text("phonk")
    tally, listener = label(pair, good(simplified="phonk"))
    assert (tally.known, tally.made) == (1, 1)
    assert "Valid tags: phonk." in listener.questions[0].text
    assert texts(pair) == {"a_prompt.txt": "phonk", "b_prompt.txt": TAGS}
    measure(pair)
    assert texts(pair) == {"a_prompt.txt": "phonk", "b_prompt.txt": TAGS}


def edit_line(folder: Path, number: int, **changes: object) -> None:
    """What a person does to a line of labels.jsonl in an editor."""
    path = folder / "labels.jsonl"
    lines = records(folder)
    lines[number] |= changes
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def test_tags_that_the_user_edits_in_the_list_outrank_every_later_label(pair: Path) -> None:
    label(pair, good(), good())
    edit_line(pair, 0, tags=["phonk", "75 bpm"])
    other = Script(good(simplified="new"), model="n")
    tally = label_folder(pair, other, SYSTEM, console=Console(quiet=True), limit=1)
    assert tally.written == 1
    assert "Valid tags: phonk, 75 bpm." in other.questions[0].text
    assert texts(pair) == {"a_prompt.txt": "phonk, 75 bpm", "b_prompt.txt": TAGS}
    found = read_labels(pair)["a.wav"]
    assert (found.tags, found.tags_from) == (("phonk", "75 bpm"), "user")
    assert found.recaption is not None
    assert found.recaption["simplified"] == "new"  # which the person did not write
    measure(pair)
    assert read_labels(pair)["a.wav"].tags == ("phonk", "75 bpm")
    assert texts(pair)["a_prompt.txt"] == "phonk, 75 bpm"


def test_a_description_that_the_user_edits_outranks_every_later_one(pair: Path) -> None:
    label(pair, good(), good())
    mine = {**GOOD, "descriptive": "My own words."}
    edit_line(pair, 0, recaption=mine)
    label_folder(pair, Script(good(), good(), model="n"), SYSTEM, console=Console(quiet=True))
    assert read_labels(pair)["a.wav"].recaption == mine
    assert texts(pair)["a_prompt.txt"] == TAGS
    layout = read_layout(pair)
    assert layout.samples[0].attributes["recaption"]["descriptive"] == "My own words."


def test_tags_that_the_user_writes_for_a_clip_that_needed_a_look_are_used(pair: Path) -> None:
    label(pair, "no", "no", good())
    edit_line(pair, 0, tags=["phonk"])
    assert read_labels(pair)["a.wav"].status == "ok"
    label(pair, good())
    assert texts(pair)["a_prompt.txt"] == "phonk"


def test_a_user_who_goes_back_to_older_tags_is_heard(pair: Path) -> None:
    measure(pair)
    older = texts(pair)["a_prompt.txt"]
    label(pair, good(), good())
    (pair / "a_prompt.txt").write_text(older)
    tally, listener = label(pair, good())
    assert f"Valid tags: {older}." in listener.questions[0].text
    assert (tally.left, texts(pair)) == (1, {"a_prompt.txt": older, "b_prompt.txt": TAGS})


def test_labels_of_before_there_was_a_seal_are_read_and_none_is_taken_for_a_persons(pair: Path) -> None:
    label(pair, good(), good())
    path = pair / "labels.jsonl"
    lines = [{key: value for key, value in line.items() if key != "seal"} for line in records(pair)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tally, _ = label(pair)
    assert (tally.known, tally.written, tally.left) == (2, 0, 0)
    label_folder(pair, Script(good(), good(simplified="new"), model="n"), SYSTEM, console=Console(quiet=True))
    assert (read_labels(pair)["b.wav"].recaption or {})["simplified"] == "new"


def test_rap_that_the_model_hears_is_a_tag_and_a_column(pair: Path) -> None:
    (pair / "b_prompt.txt").write_text("phonk")
    label(pair, good(lyrical_rap_check=True), good(lyrical_rap_check=True))
    assert "lyrical rap" in texts(pair)["a_prompt.txt"].split(", ")
    assert texts(pair)["b_prompt.txt"] == "phonk"
    assert [sample.attributes["lyrical_rap_check"] for sample in read_layout(pair).samples] == [True, True]


def test_the_first_clip_without_an_answer_is_told_before_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        clip(tmp_path / f"{number}.wav", seed=number, seconds=2.0)
    told: list[str] = []

    class Asks(Script):
        def answer(self, question: Question) -> str:
            told.append(capsys.readouterr().out)
            return super().answer(question)

    label_folder(tmp_path, Asks(NoAnswerError("busy"), good()), SYSTEM)
    assert "0.wav got no answer: busy" in told[1]


def test_a_model_improves_on_measured_tags_and_measuring_takes_nothing_back(pair: Path) -> None:
    measure(pair)
    tally, listener = label(pair, good(), good())
    assert tally.written == 2
    assert "Valid tags" not in listener.questions[0].text
    assert texts(pair)["a_prompt.txt"] == TAGS
    measure(pair)
    assert texts(pair)["a_prompt.txt"] == TAGS
    assert read_labels(pair)["a.wav"].recaption is not None


def test_tags_of_a_clip_that_was_replaced_stay_until_there_are_better_ones(pair: Path) -> None:
    label(pair, good(), good())
    clip(pair / "a.wav", seed=3)
    tally, _ = label(pair, "no", "no")
    assert len(tally.unusable) == 1
    assert texts(pair)["a_prompt.txt"] == TAGS


def test_overwrite_replaces_the_users_files(pair: Path) -> None:
    (pair / "a_prompt.txt").write_text("phonk")
    _, listener = label(pair, good(), good(), overwrite=True)
    assert texts(pair) == {"a_prompt.txt": TAGS, "b_prompt.txt": TAGS}
    assert "phonk" not in listener.questions[0].text


def test_a_text_file_that_was_lost_or_emptied_is_written_again(pair: Path) -> None:
    label(pair, good(), good())
    (pair / "a_prompt.txt").unlink()
    (pair / "b_prompt.txt").write_text(" \n")
    tally, _ = label(pair)
    assert tally.written == 2
    assert texts(pair) == {"a_prompt.txt": TAGS, "b_prompt.txt": TAGS}


def test_sidecar_captions_stay_sidecars(pair: Path) -> None:
    (pair / "a.txt").write_text("my caption")
    label(pair, good(), good())
    assert texts(pair) == {"a.txt": "my caption", "b.txt": TAGS}


def test_a_list_of_captions_is_left_alone(pair: Path) -> None:
    listed = '[{"audio": "a.wav", "text": "mine"}, {"audio": "b.wav", "text": ""}]'
    (pair / "metadata.json").write_text(listed)
    label(pair, good(), good(), overwrite=True)
    assert (pair / "metadata.json").read_text() == listed
    assert texts(pair) == {}
    found = read_labels(pair)
    assert (found["a.wav"].tags, found["b.wav"].tags_from) == (("mine",), "model")


def test_a_bad_answer_is_repaired_once(pair: Path) -> None:
    tally, listener = label(pair, "I hear a beat.", good(), good(descriptive="x" * 201), good(lyrical_rap_check=3))
    assert (tally.made, len(tally.unusable)) == (1, 1)
    refused = listener.questions[1].refused
    assert refused is not None
    assert refused[0] == "I hear a beat."
    assert "no JSON object" in refused[1]
    assert listener.questions[1].audio is listener.questions[0].audio
    found = read_labels(pair)["b.wav"]
    assert (found.status, found.tags, found.recaption) == ("needs_review", (), None)
    assert "`lyrical_rap_check`" in str(found.reason)
    assert found.answer == good(lyrical_rap_check=3)
    assert found.measured is not None
    assert "b_prompt.txt" not in texts(pair)
    assert label(pair, good())[0].made == 1  # the same command tries it again


def test_a_description_that_quotes_the_lyrics_is_sent_back(pair: Path) -> None:
    (pair / "a_lyrics.txt").write_text("[verse]\nI walk the line at midnight now\n")
    quoting = good(descriptive="I walk the line at midnight over drums.")
    tally, listener = label(pair, quoting, good(), quoting)
    assert tally.made == 2
    assert listener.questions[1].refused is not None
    assert "walk the line at midnight" not in listener.questions[0].text


def test_clips_that_cannot_be_labelled_are_told_with_their_reason(
    pair: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pair / "empty.wav").touch()
    silence(pair / "short.wav", 0.5)
    silence(pair / "still.wav", 3.0)
    tally = label_folder(pair, None, SYSTEM)
    assert tally.made == 2
    assert {one.id: one.status for one in tally.unusable} == {
        "empty.wav": "failed",
        "short.wav": "failed",
        "still.wav": "needs_review",
    }
    told = capsys.readouterr().out
    for sentence in ("empty.wav: ", "(0 bytes)", "0.50 s are too short", "clear enough", "labelled: 2 clips"):
        assert sentence in told
    before = (pair / "labels.jsonl").read_bytes()
    assert str(pair) not in before.decode()
    assert len(measure(pair).unusable) == 3
    assert (pair / "labels.jsonl").read_bytes() == before


def test_a_limit_counts_what_is_made_now(pair: Path) -> None:
    clip(pair / "c.wav", seed=2)
    first, _ = label(pair, good(), limit=1)
    second, _ = label(pair, good(), limit=1)
    assert (first.made, first.waiting) == (1, 2)
    assert (second.known, second.made, second.waiting) == (1, 1, 1)
    assert set(read_labels(pair)) == {"a.wav", "b.wav"}


def test_an_interruption_costs_the_clip_in_work(pair: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        label(pair, good(), KeyboardInterrupt())
    assert set(read_labels(pair)) == {"a.wav"}
    assert texts(pair) == {"a_prompt.txt": TAGS}
    tally, listener = label(pair, good())
    assert (tally.known, tally.made, len(listener.questions)) == (1, 1, 1)


def test_one_clip_without_an_answer_is_passed_over_and_three_end_the_run(tmp_path: Path) -> None:
    for number in range(5):
        clip(tmp_path / f"{number}.wav", seed=number, seconds=2.0)
    silent = NoAnswerError("busy")
    tally, _ = label(tmp_path, silent, silent, good(), silent, good())
    assert (tally.made, [str(entry.reason) for entry in tally.unusable]) == (2, ["busy"] * 3)
    with pytest.raises(TunesmithError, match="3 clips in a row"):
        label(tmp_path, *[silent] * 3, system="mine")
    assert len(records(tmp_path)) == 8


def test_speech_pairs_are_refused(tmp_path: Path) -> None:
    clip(tmp_path / "a.wav")
    (tmp_path / "manifest.jsonl").write_text(
        '{"id": "p", "audios": {"prompt": {"path": "a.wav"}, "target": {"path": "a.wav"}}}'
    )
    with pytest.raises(TunesmithError, match="p: this sample has 2 audios"):
        measure(tmp_path)


def test_spans_of_a_manifest_are_labelled_apart(tmp_path: Path) -> None:
    clip(tmp_path / "a.wav", seconds=6.0)
    spans = ((0, 2), (2, 6))
    lines = [
        f'{{"id": "{start}", "audios": {{"audio": {{"path": "a.wav", "start": {start}, "end": {end}}}}}}}'
        for start, end in spans
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    _, listener = label(tmp_path, good(), good())
    assert [len(question.audio) / 16000 for question in listener.questions] == [2.0, 4.0]
    assert texts(tmp_path) == {}
    assert set(read_labels(tmp_path)) == {"0", "2"}


def test_the_prompt_can_be_the_users_own(tmp_path: Path) -> None:
    assert system_prompt(None) == SYSTEM
    (tmp_path / "p.txt").write_text("Describe it.\n")
    assert system_prompt(tmp_path / "p.txt") == "Describe it."
    (tmp_path / "empty.txt").write_text(" ")
    with pytest.raises(TunesmithError, match="empty"):
        system_prompt(tmp_path / "empty.txt")
    with pytest.raises(TunesmithError, match="no such file"):
        system_prompt(tmp_path / "none.txt")
