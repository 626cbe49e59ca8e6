from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import soundfile

from tests.report import fake_run
from tests.report.fake_metrics import one_of_each
from tests.report.files import RATE, beat, write, write_json
from tests.report.page import Page
from tunesmith.errors import TunesmithError
from tunesmith.report import media
from tunesmith.report.build import build_report
from tunesmith.run.folder import RunFolder


def report(folder: Path, **options) -> Page:
    page = Page(build_report(RunFolder(folder), **options))
    assert not page.errors
    assert not page.stack
    return page


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Page:
    return report(fake_run.full_run(tmp_path_factory.mktemp("runs") / "mybeats"))


def test_a_full_run_has_every_section_in_order(full):
    assert full.sections() == ["verdict", "listen", "findings", "done", "curves", "previews", "data", "codec", "recipe"]
    for words in (
        "held-out loss fell by 16 %",
        "4.912 → 4.125",
        "0/3 → 1/3",
        "5 min 05 s",
        "1 quarantined",
        "Cut the endings off",
        "Silence in the clips: 9 of 10 clips end in 4.6 s of silence.",
        "Kernel distance to your clips (8 outputs, 12 clips) 41.5 12.5 0.100 ± 0.700",
        "one of 24 training clips – 1 –",
        "Outputs at the tempo that was asked for 0 / 1 1 / 1 –",
    ):
        assert words in full.text("en")
    for words in (
        "验证损失下降 16 %",
        "三个输出中有一个淡出 12 dB。",
        "隔离 1 个",
        "去掉结尾",
        "预热由 100 步缩短为 20 步。",
    ):
        assert words in full.text("zh")
    assert "by source track" in full.text("en")
    assert "PeftModel.from_pretrained" in full.text()
    assert "tunesmith evaluate mybeats" in full.text()


def test_nothing_is_fetched_from_anywhere(full):
    for tag, attrs in full.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            target = attrs.get(name)
            assert target is None or target.startswith(("data:", "#")), (tag, name, target[:80])
    assert "@import" not in full.html
    assert not re.search(r"url\((?!#)", full.html)
    assert "http" not in full.html.replace("http-equiv", "")


def test_every_player_holds_audio_that_decodes(full):
    players = full.all("audio")
    assert len(players) == 3 * 3 + 3 * 2
    for player in players:
        kind, data = player["src"].split(";base64,")
        assert kind in {"data:audio/mpeg", "data:audio/ogg", "data:audio/wav"}
        audio, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
        assert rate == RATE
        assert 1.9 < len(audio) / rate < 3.1
        assert abs(audio).max() > 0.05
        assert player["aria-label"]
        assert "controls" in player


def test_ids_are_unique_and_references_resolve(full):
    ids = [attrs["id"] for _, attrs in full.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    wanted = {attrs["href"][1:] for _, attrs in full.tags if (attrs.get("href") or "").startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", full.html))
    wanted |= {name for _, attrs in full.tags for name in (attrs.get("aria-labelledby") or "").split()}
    assert wanted <= set(ids)


def test_both_languages_are_there_and_english_is_shown_without_script(full):
    spans = [attrs.get("class") for attrs in full.all("span")]
    assert spans.count("en") == spans.count("zh") > 100
    assert full.all("html")[0]["lang"] == "en"
    assert "data-lang" not in full.all("html")[0]
    assert 'html:not([data-lang="zh"]) .zh' in full.html
    for _, attrs in full.tags:
        assert ("data-zh" in attrs) == ("data-en" in attrs)


def test_hostile_captions_stay_text(full):
    assert '<script>alert("x")' not in full.html
    assert len(full.all("script")) == 1
    assert not full.all("img")
    assert all(not name.startswith("on") for _, attrs in full.tags for name in attrs)
    assert '<script>alert("x")</script><img src=x onerror=alert(1)>' in full.text()
    assert "{{ 7*7 }}" in full.text()
    assert "🥁" in full.text()


def test_a_very_long_or_broken_caption_is_folded_away(tmp_path):
    long = "低沉 booming " * 1000
    page = report(fake_run.full_run(tmp_path, prompts=[long, "a\x00b\ud800c", ""], seconds=1.0))
    assert [attrs for attrs in page.all("details") if attrs.get("class") == "long"]
    assert page.text().count("低沉 booming") > 1000
    assert "\x00" not in page.html


def test_tables_have_scoped_headers(full):
    heads = full.all("th")
    assert heads
    assert all(attrs.get("scope") in {"col", "row"} for attrs in heads)


def test_findings_flags_and_numbers_stand_beside_their_limits(full):
    text = full.text("en")
    assert "Fades out by 12.4 dB from the first to the last third. ( 12.4, limit 6 )" in text
    assert "Value 92 % Limit 50 %" in text
    assert text.index("Worse") < text.index("Better")
    assert "Tempo BPM 112 138 141 closer" in text
    assert re.search("Brightness Hz.*?further away", text)[0].split() == [
        "Brightness",
        "Hz",
        "1",
        "800",
        "2",
        "450",
        "1",
        "500",
        "further",
        "away",
    ]


@pytest.mark.parametrize(
    ("parts", "words", "command", "sections"),
    [
        ((), "Nothing has been done yet", "run", "data recipe"),
        (("data",), "Nothing has been trained yet", "run", "data recipe"),
        (("data", "training"), "has reached update 90 and has not finished", "run", "curves data"),
        (("data", "trained"), "Training is done", "evaluate", "curves previews data recipe"),
        (("evaluation",), "the adapter learnt your style", "report", "listen findings data codec"),
    ],
)
def test_unfinished_runs_say_so_and_name_the_next_command(tmp_path, parts, words, command, sections):
    folder = tmp_path / "runs" / "half"
    folder.mkdir(parents=True)
    if "data" in parts:
        fake_run.findings(folder)
    if "trained" in parts or "training" in parts:
        fake_run.metrics(folder)
    if "training" in parts:
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines[:-1]]
        kept = [json.dumps(r) for r in records if r["update"] <= 90 and r["kind"] != "valid"]
        (folder / "metrics.jsonl").write_text("\n".join(kept) + '\n{"kind": "tra')
        shutil.rmtree(folder / "previews")
    if "evaluation" in parts:
        fake_run.comparison(folder, ["one"], 1.0)
    page = report(folder)
    assert words.lower() in page.text("en").lower()
    assert f"tunesmith {command} half" in page.text()
    assert {"verdict", *sections.split()} <= set(page.sections())
    assert "could not be read" not in page.text("en")


def test_missing_and_unreadable_audio_is_said(tmp_path):
    fake_run.comparison(tmp_path / "evaluation", ["one", "two"], 1.0)
    (tmp_path / "evaluation/base_model/00.wav").unlink()
    (tmp_path / "evaluation/lora_model/00.wav").write_text("not audio at all")
    write(tmp_path / "evaluation/lora_model/01.wav", beat(0.0))
    page = report(tmp_path)
    assert len(page.all("audio")) == 3
    assert "no such file" in page.text()
    assert "no samples" in page.text()
    assert page.text("en").count("cannot be played") == 3


def test_files_outside_the_run_are_never_carried(tmp_path):
    write(tmp_path / "secret.wav", beat(1.0))
    value = fake_run.comparison(tmp_path / "run" / "evaluation", ["one"], 1.0).to_json()
    value["prompts"][0]["base"]["file"] = "../../secret.wav"
    value["prompts"][0]["lora"]["file"] = str(tmp_path / "secret.wav")
    value["prompts"][0]["reference"] = None
    value["reference"] = []
    write_json(tmp_path / "run/evaluation/comparison_results.json", value)
    assert not report(tmp_path / "run").all("audio")


@pytest.mark.parametrize("how", ["asked", "too much"])
def test_links_resolve_when_audio_is_not_embedded(tmp_path, monkeypatch, how):
    folder = tmp_path / "runs" / "名 #1 100%"
    fake_run.comparison(folder / "evaluation", ["one"], 1.0)
    odd = folder / "evaluation" / "lora_model" / "a#b %20 ü.wav"
    write(odd, beat(1.0))
    value = json.loads((folder / "evaluation/comparison_results.json").read_text("utf-8"))
    value["prompts"][0]["lora"]["file"] = "lora_model/" + odd.name
    write_json(folder / "evaluation/comparison_results.json", value)
    if how == "too much":
        monkeypatch.setattr(media, "BUDGET_BYTES", 20_000)
    page = report(folder, embed=how != "asked")
    sources = [attrs["src"] for attrs in page.all("audio")]
    assert len(sources) == 3
    for source in sources:
        assert ":" not in source
        assert "#" not in source
        soundfile.info(str(page.path.parent / unquote(source)))
    assert "Keep the page in its folder" in page.text("en")


def test_broken_parts_are_named_and_the_rest_stands(tmp_path):
    fake_run.full_run(tmp_path, prompts=["one"], seconds=1.0)
    (tmp_path / "evaluation/comparison_results.json").write_text('{"verdict": ')
    (tmp_path / "recipe.resolved.yaml").write_text("a: [1, 2")
    (tmp_path / "environment.json").write_text("[1, 2]")
    (tmp_path / "plan.json").write_bytes(b"\xff\xfe\x00")
    page = report(tmp_path)
    for name in ("comparison_results.json", "recipe.resolved.yaml", "environment.json", "plan.json"):
        assert name in page.text()
    assert {"curves", "previews", "data"} <= set(page.sections())


def test_values_of_the_wrong_kind_do_not_break_the_page(tmp_path):
    junk = [None, 3, "x", [], {}, [1], {"a": 1}, float("nan"), True]
    for index, value in enumerate(junk):
        folder = tmp_path / str(index)
        keys = ("settings", "prompts", "reference", "losses", "findings", "features", "codec", "verdict")
        write_json(folder / "evaluation/comparison_results.json", dict.fromkeys(keys, value))
        inner = {"prompt": value, "seed": value, "kind": value, "base": value, "lora": value, "reference": value}
        side = {"file": value, "signals": value, "verdicts": value}
        odd = {
            "prompts": [inner, {"prompt": "p", "lora": side}],
            "findings": [{"kind": value, "sentence": value, "evidence": value}],
        }
        odd |= {
            "features": [dict.fromkeys(("name", "base", "closer"), value)],
            "losses": {"base": value, "random": value, "adapter": {"terms": value}},
        }
        write_json(folder / "odd/comparison_results.json", odd)
        keys = ("layout", "notes", "findings", "quarantined", "kept", "train", "valid", "split_kind", "seconds")
        write_json(folder / "data/findings.json", dict.fromkeys(keys, value))
        write_json(folder / "environment.json", {"base_model": value, "licence": value})
        write_json(folder / "stages/train.json", {"seconds": value, "summary": value, "command": value})
        (folder / "recipe.resolved.yaml").write_text(f"model: {json.dumps(value)}\ntrain: {json.dumps(value)}\n")
        kinds = ("train", "valid", "preview", "gate", "event")
        lines = [
            {"kind": kind}
            | dict.fromkeys(
                ("update", "loss", "terms", "learning_rate", "index", "file", "problem", "name", "message"), value
            )
            for kind in kinds
        ]
        lines += [line.to_json() | {key: value} for line in one_of_each() for key in line.to_json()]
        (folder / "metrics.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in lines) + json.dumps(value) + "\n"
        )
        assert "metrics.jsonl:" in report(folder).text()
        report(folder / "odd")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(TunesmithError, match="no such run folder"):
        build_report(RunFolder(tmp_path / "nowhere"))


def test_a_failed_report_leaves_the_old_one(tmp_path, monkeypatch):
    path = build_report(RunFolder(tmp_path))
    before = path.read_text(encoding="utf-8")
    monkeypatch.setattr("tunesmith.report.build.render", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_report(RunFolder(tmp_path))
    assert path.read_text(encoding="utf-8") == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_reporting_needs_no_torch(tmp_path):
    fake_run.metrics(tmp_path, updates=20, previews=False)
    fake_run.comparison(tmp_path / "evaluation", ["one"], 1.0)
    code = (
        "import sys; from pathlib import Path; from tunesmith.report.build import build_report; "
        "from tunesmith.run.folder import RunFolder; build_report(RunFolder(Path(sys.argv[1]))); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
