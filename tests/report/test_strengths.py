"""The slider of strengths: four sounds of a prompt that keep their place, and a list of them where no script runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.evaluation.probed import probed
from tests.report import fake_run
from tests.report.files import beat, write
from tests.report.page import Page
from tunesmith.records.comparison import ComparedStrength, Comparison
from tunesmith.records.loss_probes import ScaleLoss
from tunesmith.report.build import build_report
from tunesmith.report.gather import gather
from tunesmith.run.folder import RunFolder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LOSSES = {0.0: 3.57, 0.5: 2.63, 1.0: 2.36, 1.5: 2.46}
LOUDNESS = {0.0: -14.0, 0.5: -20.0, 1.0: -17.0, 1.5: -14.0}


def with_strengths(folder: Path) -> RunFolder:
    """A run whose first prompt was also made at half and one and a half times the strength; the latter has a fault."""
    fake_run.full_run(folder, prompts=["a beat", "a bell"])
    record = Comparison.read(folder / "evaluation" / "comparison_results.json")
    first, *others = record.prompts

    def at(scale: float, file: str, flagged: bool = False):
        made = fake_run.side(file, flagged)
        return made.model_copy(update={"signals": {**made.signals, "lufs": LOUDNESS[scale]}})

    made = []
    for scale in (0.5, 1.5):
        file = f"strengths/{scale:g}/00.wav"
        write(folder / "evaluation" / file, beat(3.0, round(10 * scale)))
        made.append(ComparedStrength(scale=scale, output=at(scale, file, flagged=scale > 1)))
    sides = {"base": at(0.0, "base_model/00.wav"), "lora": at(1.0, "lora_model/00.wav"), "strengths": tuple(made)}
    scales = tuple(ScaleLoss(scale=scale, loss=loss) for scale, loss in LOSSES.items())
    losses = record.losses.model_copy(update={"probes": probed().model_copy(update={"scales": scales})})
    changed = {"prompts": (first.model_copy(update=sides), *others), "losses": losses}
    record.model_copy(update=changed).write(folder / "evaluation" / "comparison_results.json")
    return RunFolder(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> RunFolder:
    return with_strengths(tmp_path_factory.mktemp("strengths") / "mybeats")


def test_all_four_stand_as_a_list_with_their_losses_and_faults(folder):
    page = Page(build_report(folder))
    assert not page.errors and "strength" in page.sections()
    places = {attrs.get("id") for _, attrs in page.tags}
    section = page.html[
        page.html.index('<section id="strength"') : page.html.index("</section>", page.html.index('id="strength"'))
    ]
    links = re.findall(r'href="#(sound-[\d-]+)"', section)
    assert links == ["sound-0-0", "sound-0-1"] and places.issuperset(links)
    assert len(re.findall(r"<audio", section)) == 2 and 'src="data:audio' in section
    assert [float(value) for value in re.findall(r'data-volume="([\d.]+)"', section)] == pytest.approx(
        [10 ** ((-20 - LOUDNESS[scale]) / 20) for scale in LOUDNESS], abs=1e-3
    ), "all as loud as the quietest"
    assert '<div class="slider" hidden>' in section and 'value="2"' in section
    assert not re.search(r"\son[a-z]+=", section)
    text = page.text("en")
    for scale, loss in (("0", "3.570"), ("½", "2.630"), ("1", "2.360"), ("1½", "2.460")):
        assert f"Strength {scale} held-out loss {loss}" in text
    assert "3.570 2.630 2.360 2.460" in text and "0 of 1 0 of 1 0 of 1 1 of 1" in text


def test_a_run_of_before_has_no_such_section(tmp_path):
    fake_run.full_run(tmp_path / "old", prompts=["a beat", "a bell"])
    assert "strength" not in Page(build_report(RunFolder(tmp_path / "old"))).sections()


def test_sounds_that_are_gone_leave_the_others(tmp_path):
    run = with_strengths(tmp_path / "run")
    (run.evaluation / "strengths/0.5/00.wav").unlink()
    (run.evaluation / "base_model/00.wav").write_bytes(b"no sound")
    page = Page(build_report(run))
    assert not page.errors and not gather(run).problems
    assert 'href="#sound-0-0"' not in page.html and 'href="#sound-0-1"' in page.html


@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser")
def test_the_slider_switches_sounds_at_the_same_place(folder, tmp_path):
    """The page's own script, in a browser, from a file, on a phone's width."""
    probe = """<script>addEventListener("load", async function () {
      function shown() { return row.querySelector(".steps > li:not([hidden])"); }
      async function soon(done) { for (var n = 0; n < 100 && !done(); n++) await new Promise(r => setTimeout(r, 30)); }
      var row = document.querySelector(".strength"), slider = row.querySelector("input"), seen = [];
      var first = shown().querySelector("audio");
      await soon(() => first.readyState > 0);
      first.currentTime = 1.5;
      for (var place of [3, 1, 0, 2]) {
        slider.value = place;
        slider.dispatchEvent(new Event("input"));
        var audio = shown().querySelector("audio");
        await soon(() => Math.abs(audio.currentTime - 1.5) < 0.2);
        seen.push([slider.getAttribute("aria-valuetext"), audio.currentTime, audio.volume,
          row.querySelectorAll(".steps > li:not([hidden])").length, !!shown().querySelector("svg.picture")]);
      }
      document.title = JSON.stringify({seen: seen, wide: document.documentElement.scrollWidth});
    });</script>"""
    path = tmp_path / "report.html"
    html = build_report(folder).read_text(encoding="utf-8").replace("</body>", f"{probe}</body>")
    path.write_text(html, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}", "--lang=en"]
    command = [
        str(CHROMIUM),
        *options,
        "--window-size=500,900",
        "--virtual-time-budget=9000",
        "--dump-dom",
        path.as_uri(),
    ]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    told = re.search(r"<title>(\{.*?)</title>", dom)
    assert told, dom[:300]
    found = json.loads(told[1])
    names, times, volumes, visible, pictures = zip(*found["seen"], strict=True)
    assert [name.split(" held")[0] for name in names] == ["Strength 1½", "Strength ½", "Strength 0", "Strength 1"]
    assert all(abs(time - 1.5) < 0.2 for time in times)
    assert volumes == pytest.approx([0.501, 1.0, 0.501, 0.708], abs=0.01)
    assert set(visible) == {1} and all(pictures)
    assert found["wide"] <= 500


@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser")
def test_nothing_is_wider_than_a_phone(folder, tmp_path):
    """360 px, in both languages: tables scroll inside themselves, and the page does not scroll sideways."""
    shutil.copy(build_report(folder), tmp_path / "report.html")
    frames = "".join(
        f'<iframe src="report.html?lang={language}" style="width:360px;height:700px;border:0"></iframe>'
        for language in ("en", "zh")
    )
    told = """<script>addEventListener("load", function () {
      document.title = JSON.stringify(Array.from(document.querySelectorAll("iframe"), function (frame) {
        return [frame.contentDocument.documentElement.lang, frame.contentDocument.documentElement.scrollWidth];
      }));
    });</script>"""
    page = tmp_path / "phone.html"
    page.write_text(f"<!DOCTYPE html><title></title><body>{frames}{told}</body>", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}"]
    command = [str(CHROMIUM), *options, "--allow-file-access-from-files", "--virtual-time-budget=5000", "--dump-dom"]
    dom = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r"<title>(.*?)</title>", dom)
    assert found, dom[:300]
    widths = json.loads(found[1])
    assert [language for language, _ in widths] == ["en", "zh"] and all(0 < width <= 360 for _, width in widths)
