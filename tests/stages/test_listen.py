"""``tunesmith listen`` as a user types it: the page, its key, votes that come back, and the report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.report import fake_run
from tests.report.page import Page
from tunesmith.cli.main import main
from tunesmith.records.listening_key import ListeningKey
from tunesmith.records.listening_result import ListeningResult
from tunesmith.records.listening_votes import ListeningVotes, Vote
from tunesmith.run.attempts import archive
from tunesmith.run.folder import RunFolder

PROMPTS = ["one", "two", "three", "four", "five", "six"]
RUN = Path("runs/mybeats")


@pytest.fixture(autouse=True)
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tunesmith.cli.guard._working_on", [])
    fake_run.comparison(RUN / "evaluation", PROMPTS, seconds=0.6)
    (RUN / "recipe.yaml").write_text(fake_run.RECIPE)


def cast(for_adapter: int, listener: str, name: str = "") -> str:
    """A file of votes that are all for the adapter, or all for the base."""
    key = ListeningKey.read(RUN / "listening_key.json")
    made = [
        Vote(
            trial=number,
            a=trial.a,
            b=trial.b,
            choice=-for_adapter if key.clips[trial.a].system == "adapter" else for_adapter,
            heard_a_ms=1600 + len(listener),
            heard_b_ms=1700,
            took_ms=4000,
        )
        for number, trial in enumerate(key.trials)
    ]
    votes = ListeningVotes(
        page=key.page, listener=listener, name=name, saved="2026-01-01", votes=tuple(made), digest=""
    )
    file = Path(f"{listener}.json")
    votes.model_copy(update={"digest": votes.computed_digest()}).write(file)
    return str(file)


def test_from_the_page_to_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "mybeats"]) == 0
    assert "6 pairs of the adapter and the base model, 1 of them heard twice" in capsys.readouterr().out
    assert main(["report", "mybeats"]) == 0
    assert "listening" not in Page(RUN / "report.html").sections()
    files = [cast(2, "ann"), cast(1, "berta")]
    assert main(["listen", "mybeats", "--votes", *files]) == 0
    out = capsys.readouterr().out
    assert "the adapter is preferred to the base model: 12 to 0 votes" in out
    assert "2 people, 14 votes" in out
    result = ListeningResult.read(RUN / "listening.json")
    assert result.pairs[0].verdict == "first"
    assert main(["report", "mybeats"]) == 0, "the votes are noticed"
    page = Page(RUN / "report.html")
    assert "listening" in page.sections()
    assert page.errors == []
    assert "the adapter is preferred to the base model" in page.text("en")
    assert "made anew since" not in page.text("en")
    assert main(["report", "mybeats"]) == 0
    assert "nothing has changed, skipped" in capsys.readouterr().out


def test_votes_about_outputs_that_were_made_anew_are_marked() -> None:
    assert main(["listen", "mybeats"]) == 0
    assert main(["listen", "mybeats", "--votes", cast(1, "ann")]) == 0
    fake_run.comparison(RUN / "evaluation", PROMPTS[:4], seconds=0.6)
    assert main(["report", "mybeats"]) == 0
    assert "These votes are about the earlier ones" in Page(RUN / "report.html").text("en")


def test_a_file_that_is_not_ours_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Path("mine.html")
    mine.write_text("<p>mine</p>")
    assert main(["listen", "mybeats", "--out", "mine.html"]) == 1
    assert "is no page of a listening test" in capsys.readouterr().err
    assert mine.read_text() == "<p>mine</p>"
    assert not (RUN / "listening_key.json").exists()
    assert main(["listen", "mybeats", "--out", "mine.html", "--force"]) == 0
    assert main(["listen", "mybeats", "--out", "mine.html", "--seed", "3"]) == 0, "our own page may be replaced"
    assert main(["listen", "mybeats", "--out", "."]) == 0
    assert Path("listen.html").exists()
    assert not (RUN / "listen.html").exists()


def test_votes_on_a_page_that_was_replaced_still_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "mybeats"]) == 0
    votes = cast(1, "ann")
    assert main(["listen", "mybeats", "--seed", "5"]) == 0
    assert "the key of the page before is kept" in capsys.readouterr().out
    assert main(["listen", "mybeats", "--votes", votes]) == 0
    assert "the adapter is preferred" in capsys.readouterr().out
    assert main(["listen", "mybeats", "--votes", cast(1, "berta"), votes]) == 0
    assert "ann.json: its votes are about another page" in capsys.readouterr().out


def test_several_runs_are_ranked(capsys: pytest.CaptureFixture[str]) -> None:
    fake_run.comparison(Path("runs/other/evaluation"), PROMPTS, seconds=0.5)
    assert main(["listen", "mybeats", "other"]) == 1
    assert "no prompt with an output of every system" in capsys.readouterr().err, "they are of different lengths"
    fake_run.comparison(Path("runs/other/evaluation"), PROMPTS, seconds=0.6)
    for index in range(6):  # an adapter of its own
        output = Path(f"runs/other/evaluation/lora_model/{index:02d}.wav")
        shutil.copy(RUN / f"evaluation/reference/{index:02d}.wav", output)
    assert main(["listen", "mybeats", "other"]) == 0
    key = ListeningKey.read(RUN / "listening_key.json")
    assert [system.name for system in key.systems] == ["mybeats", "other", "base"]
    order = {"mybeats": 2, "other": 1, "base": 0}
    ranks = [(order[key.clips[t.a].system], order[key.clips[t.b].system]) for t in key.trials]
    made = [
        Vote(trial=n, a=t.a, b=t.b, choice=-1 if a > b else 1, heard_a_ms=1600, heard_b_ms=1600, took_ms=1)
        for n, (t, (a, b)) in enumerate(zip(key.trials, ranks, strict=True))
    ]
    votes = ListeningVotes(page=key.page, listener="ann", saved="", votes=tuple(made), digest="")
    votes.model_copy(update={"digest": votes.computed_digest()}).write(Path("ann.json"))
    assert main(["listen", "mybeats", "other", "--votes", "ann.json"]) == 0
    result = ListeningResult.read(RUN / "listening.json")
    assert [one.system for one in result.strengths] == ["mybeats", "other", "base"]
    assert [pair.verdict for pair in result.pairs] == ["open", "open", "open"], "0.031 three times is no 0.05 (Holm)"
    assert main(["report", "mybeats"]) == 0
    assert "Elo" in Page(RUN / "report.html").text("en")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["listen", "nobody"], "there is no run `nobody`"),
        (["listen", "mybeats", "--votes", "gone.json"], "no key of a listening test"),
        (["listen", "--votes", "a.json", "b.json"], "name the run"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    assert said in capsys.readouterr().err


def test_an_edited_file_is_refused_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "mybeats"]) == 0
    file = Path(cast(1, "ann"))
    record = json.loads(file.read_text())
    record["votes"][2]["choice"] = 2
    file.write_text(json.dumps(record))
    assert main(["listen", "mybeats", "--votes", str(file)]) == 1
    assert "it was changed after it was saved" in capsys.readouterr().err
    assert not (RUN / "listening.json").exists()


def test_a_page_that_cannot_be_written_leaves_the_key_of_the_one_before() -> None:
    assert main(["listen", "mybeats"]) == 0
    before = (RUN / "listening_key.json").read_bytes()
    Path("a file").touch()
    assert main(["listen", "mybeats", "--seed", "4", "--out", "a file/listen.html"]) == 1
    assert (RUN / "listening_key.json").read_bytes() == before


def test_earlier_results_take_their_listening_test_along() -> None:
    assert main(["listen", "mybeats"]) == 0
    assert main(["listen", "mybeats", "--votes", cast(1, "ann")]) == 0
    assert main(["listen", "mybeats", "--seed", "2"]) == 0
    attempt = archive(RunFolder(RUN))
    moved = {path.name for path in attempt.glob("listen*")}
    assert {"listen.html", "listening.json", "listening_key.json"} < moved
    assert len(moved) == 4, "and the key of the page before"
    assert not list(RUN.glob("listen*"))
