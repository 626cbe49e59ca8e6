"""The page of a listening test: blind, equally loud, all in one file, and its script signs as the reader checks."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.once import once
from tests.report import fake_run
from tests.report.files import RATE, beat, write
from tests.report.page import Page
from tunesmith.audio.measure.loudness import integrated, loudness_curve
from tunesmith.errors import TunesmithError
from tunesmith.records.listening_votes import ListeningVotes
from tunesmith.report.listening.choose import contest
from tunesmith.report.listening.page import MARK, ListeningPage, build_page
from tunesmith.run.folder import RunFolder

PROMPTS = ["one </script><b>bold</b>", "two", "three", "four"]


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs on the same prompts; their adapters are 12 dB apart."""

    def make(folder: Path) -> None:
        for number, name in enumerate(("mybeats", "tryout", "lowrank")):
            fake_run.comparison(folder / name / "evaluation", PROMPTS, seconds=1.5)
            for index in range(len(PROMPTS)):
                sound = beat(1.5, 7 * number + index, noise=0.02) * 10 ** (-0.6 * number)
                write(folder / name / f"evaluation/lora_model/{index:02d}.wav", sound)

    return once(tmp_path_factory, "evaluated-runs", make)


@pytest.fixture
def runs(evaluated: Path, tmp_path: Path) -> list[RunFolder]:
    """Copies of the three runs, to be changed."""
    shutil.copytree(evaluated, tmp_path / "runs")
    return [RunFolder(tmp_path / "runs" / name) for name in ("mybeats", "tryout", "lowrank")]


def page_of(runs: list[RunFolder], seed: int = 0, most: int | None = None) -> ListeningPage:
    return build_page(contest(runs, most), runs[0], seed)


def data_of(page: ListeningPage) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_page_is_one_file_that_says_nothing_of_who_is_who(runs: list[RunFolder], tmp_path: Path) -> None:
    page = page_of(runs)
    path = tmp_path / "listen.html"
    path.write_text(page.html, encoding="utf-8")
    read = Page(path)
    assert read.errors == []
    without_audio = re.sub(r"data:audio/\w+;base64,[A-Za-z0-9+/=]+", "", page.html)
    for secret in ("mybeats", "tryout", "lowrank", "adapter", "lora", ".wav", "base_model", str(tmp_path)):
        assert secret not in re.sub(r"[\w-]*base64", "", without_audio), secret
    assert not re.search(r"https?://|\bon\w+=\"|src=\"(?!data:)", without_audio)
    assert "default-src 'none'" in page.html
    assert MARK.encode() in page.html.encode()[:4096]
    assert "<b>bold</b>" not in page.html
    for language in ("en", "zh"):
        assert read.text(language).count("one </script><b>bold</b>") == 1
    order = list(data_of(page)["clips"])
    assert order == sorted(order), "the order of the clips in the file tells nothing"


def test_the_key_tells_what_the_page_hides(runs: list[RunFolder]) -> None:
    page = page_of(runs)
    data = data_of(page)
    assert [(t["a"], t["b"]) for t in data["trials"]] == [(t.a, t.b) for t in page.key.trials]
    assert set(data["clips"]) == set(page.key.clips)
    assert [system.name for system in page.key.systems] == ["mybeats", "tryout", "lowrank", "base"]
    for clip in page.key.clips.values():
        run = next(system.run for system in page.key.systems if system.name == clip.system)
        assert (Path(run) / clip.file).is_file()
        assert ("base_model" in clip.file) == (clip.system == "base")
    assert len({trial.a for trial in page.key.trials} | {trial.b for trial in page.key.trials}) == 16


def test_all_clips_of_a_prompt_are_equally_loud(runs: list[RunFolder]) -> None:
    """By 24 dB they were not; what a browser decodes is measured."""
    page = page_of(runs)
    loud: dict[int, list[float]] = {}
    for name, source in data_of(page)["clips"].items():
        audio, rate = soundfile.read(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        clip = page.key.clips[name]
        loud.setdefault(clip.prompt, []).append(integrated(loudness_curve(audio, rate)))
        assert np.abs(audio).max() < 1.0
        assert clip.lufs + clip.gain_db == pytest.approx(page.key.prompts[clip.prompt].lufs, abs=0.05)
    before = [clip.lufs for clip in page.key.clips.values()]
    assert max(before) - min(before) > 20
    for levels in loud.values():
        assert max(levels) - min(levels) < 0.5


def test_one_run_is_base_against_adapter(runs: list[RunFolder]) -> None:
    page = page_of(runs[:1])
    assert [system.name for system in page.key.systems] == ["adapter", "base"]
    assert len([trial for trial in page.key.trials if trial.repeats is None]) == 4
    assert page_of(runs[:1]).html == page.html
    assert page_of(runs[:1], seed=1).key.page != page.key.page
    assert len(page_of(runs[:1], most=2).key.trials) == 2


def test_a_missing_or_broken_output_leaves_its_prompt_out_and_is_said(runs: list[RunFolder]) -> None:
    (runs[1].evaluation / "lora_model/01.wav").unlink()
    (runs[0].evaluation / "base_model/02.wav").write_bytes(b"RIFF junk")
    (runs[0].evaluation / "lora_model/03.wav").write_bytes(b"")
    page = page_of(runs[:2])
    assert {clip.prompt for clip in page.key.clips.values()} == {0}
    said = "\n".join(map(str, page.key.left_out))
    assert "`two` (seed 1235), whose output is missing for tryout" in said
    assert "base_model/02.wav" in said
    assert "`four` (seed 1237), whose output is missing for mybeats" in said


def test_prompts_that_not_all_runs_have_are_left_out(runs: list[RunFolder]) -> None:
    record = runs[1].comparison
    text = record.read_text().replace('"seed": 1236', '"seed": 9')
    record.write_text(text)
    page = page_of(runs[:2])
    assert len({clip.prompt for clip in page.key.clips.values()}) == 3
    said = "\n".join(map(str, page.key.left_out))
    assert "`three` (seed 1236), which tryout did not have" in said
    assert "`three` (seed 9), which mybeats did not have" in said


def test_outputs_that_are_the_same_are_no_pair(runs: list[RunFolder]) -> None:
    one = runs[0].evaluation
    shutil.copy(one / "base_model/00.wav", one / "lora_model/00.wav")
    page = page_of(runs[:1])
    assert len([trial for trial in page.key.trials if trial.repeats is None]) == 3
    assert "1 pairs of the adapter and the base model" in str(page.key.left_out[0])
    for index in range(4):
        shutil.copy(one / f"base_model/{index:02d}.wav", one / f"lora_model/{index:02d}.wav")
    with pytest.raises(TunesmithError, match=r"all outputs .* are the same.*no effect"):
        page_of(runs[:1])


def test_silence_is_not_turned_up(runs: list[RunFolder]) -> None:
    write(runs[0].evaluation / "lora_model/00.wav", np.zeros(RATE))
    page = page_of(runs[:1])
    (silent,) = [clip for clip in page.key.clips.values() if clip.lufs <= -80]
    assert silent.gain_db == 0
    write(runs[0].evaluation / "lora_model/00.wav", beat(1.5, 3) * 5e-3)
    page = page_of(runs[:1])
    assert max(clip.gain_db for clip in page.key.clips.values()) == 30
    assert any("the loudness of 1 clips, which cannot be made as loud" in str(reason) for reason in page.key.left_out)


@pytest.mark.parametrize(
    ("breaking", "words"),
    [
        (lambda run: run.comparison.unlink(), r"has not been evaluated.*tunesmith evaluate"),
        (lambda run: run.comparison.write_text("{"), "not JSON"),
        (lambda run: shutil.rmtree(run.evaluation / "base_model"), "outputs of 4 prompts are missing"),
    ],
)
def test_a_half_written_run_is_a_sentence(runs: list[RunFolder], breaking: Any, words: str) -> None:
    breaking(runs[0])
    with pytest.raises(TunesmithError, match=words):
        page_of(runs[:1])


def test_a_run_without_its_base_cannot_be_heard_alone_but_with_others(runs: list[RunFolder]) -> None:
    for run in runs[:2]:
        record = json.loads(run.comparison.read_text())
        for prompt in record["prompts"]:
            prompt["base"] = None
        run.comparison.write_text(json.dumps(record))
    with pytest.raises(TunesmithError, match="base model was not run"):
        page_of(runs[:1])
    page = page_of(runs[:2])
    assert [system.name for system in page.key.systems] == ["mybeats", "tryout"]
    assert "the base, since no run has its outputs" in str(page.key.left_out[0])


def test_a_run_is_named_once(runs: list[RunFolder]) -> None:
    with pytest.raises(TunesmithError, match="named twice"):
        contest([runs[0], runs[0]])


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser")
def test_a_browser_signs_votes_as_the_reader_checks_them(runs: list[RunFolder], tmp_path: Path) -> None:
    """The page's own script, in a browser: votes from before are kept, and saved with a name of any letters."""
    page = page_of(runs[:1])
    trials = page.key.trials[:2]
    cast = [
        {"trial": n, "a": t.a, "b": t.b, "choice": 2 - 3 * n, "heard_a_ms": 1500 + n, "heard_b_ms": 1700, "took_ms": 9}
        for n, t in enumerate(trials)
    ]
    kept = json.dumps({"listener": "0a1b2c", "name": "", "votes": cast})
    before = f"<script>localStorage.setItem('tunesmith-listening-{page.key.page}', {kept!r});</script>"
    after = """<script>
      document.getElementById("name").value = " Zoë 中文 🥁\\u0007 ";
      document.getElementById("name").dispatchEvent(new Event("input"));
      HTMLAnchorElement.prototype.click = function () {};
      URL.createObjectURL = function (file) {
        file.text().then(function (text) { document.title = text; });
        return "";
      };
      document.querySelector('#done [data-do="save"]').dispatchEvent(new Event("click"));
    </script>"""
    path = tmp_path / "listen.html"
    path.write_text(
        page.html.replace("<body", f"{before}<body").replace("</body>", f"{after}</body>"), encoding="utf-8"
    )
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=3000", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None, done.stderr[-2000:]
    read = ListeningVotes.from_json(json.loads(title[1]))
    assert (read.page, read.listener, read.name) == (page.key.page, "0a1b2c", "Zoë 中文 🥁")
    assert [vote.model_dump() for vote in read.votes] == cast
    assert read.digest == read.computed_digest()
