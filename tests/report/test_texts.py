from __future__ import annotations

import ast
import re
from importlib import resources
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from tests.report import fake_run
from tests.report.page import Page
from tunesmith.evaluation import diagnosis
from tunesmith.families.musicgen.family import MUSICGEN
from tunesmith.planning.clips import PlannedClips
from tunesmith.planning.planner import estimate
from tunesmith.recipe.models import Recipe
from tunesmith.records.environment import BaseModelFacts, Environment
from tunesmith.records.plan import DevicePlan, RunPlan
from tunesmith.records.record import Record
from tunesmith.records.stage_state import TrainSummary
from tunesmith.report import page as report_page
from tunesmith.report.build import build_report
from tunesmith.report.field_names import FIELDS, field_path, loss_term, worded
from tunesmith.report.page import label, words
from tunesmith.report.signal_texts import SIGNALS, signal_name
from tunesmith.report.texts import SECTIONS, TERMS, term, verbatim
from tunesmith.run.folder import RunFolder
from tunesmith.texts import LANGUAGES, Message, catalogue, msg
from tunesmith.training.trackers import EventName

ROOT = resources.files("tunesmith.report")
TEMPLATES = {p.name: p.read_text("utf-8") for p in (ROOT / "templates").iterdir() if p.name.endswith(".j2")}
CODE = {p.name: p.read_text("utf-8") for p in ROOT.iterdir() if p.name.endswith(".py")}
CHINESE = re.compile("[\u4e00-\u9fff]")


def asked() -> list[str]:
    """Every sentence that a template says."""
    quoted = re.compile(r"""\btr\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""")
    return [single or double for text in TEMPLATES.values() for single, double in quoted.findall(text)]


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_sentence_stands_in_both_languages_with_the_same_places():
    terms = [message.id for group in (SECTIONS, *TERMS.values()) for message in group.values()]
    sentences = asked()
    assert len(sentences) > 80
    for en in {*sentences, *terms}:
        zh = catalogue.translate(en, "zh")
        assert zh != en, en
        assert zh.strip(), en
        assert fields(en) == fields(zh), en
        assert not CHINESE.search(en), en


def test_signals_have_both_languages():
    for name, _ in SIGNALS.values():
        assert str(name)
        assert CHINESE.search(name.render("zh"))


def test_every_field_that_the_page_shows_has_a_name():
    """Whoever adds one to a record that is shown gives it a name in :mod:`tunesmith.report.field_names`."""
    records = (RunPlan, DevicePlan, Environment, BaseModelFacts, TrainSummary)
    shown = {name for record in records for name in record.model_fields} - {
        "stages",
        "probes",
        "probed",
        *Record.model_fields,
    }
    shown |= {"layout", "kept", "train", "valid", "split_kind", "seconds", "bytes", "adapter", "prompts", "file"}
    family = MUSICGEN.open("pocket")
    recipe = Recipe.model_validate({"model": {"path": "pocket"}})
    plan = estimate(recipe, family.card.facts(), PlannedClips((10.0,) * 5, (10.0,), 5), local=False)
    shown |= {*plan.disk} | {part for device in plan.devices for part in (*device.memory, *device.seconds)}
    assert {name for name in shown if name not in FIELDS} == set()
    assert {*get_args(EventName)} <= set(TERMS["event"]) | {"saved"}  # which is not shown


def test_the_terms_of_every_loss_have_a_name():
    names = ["codebook_3", "sigma_0.60", "denoise", "flow_t0.12", "flow", "llm", "llm_accuracy", "ssl_mert"]
    said = [str(loss_term(name)) for name in names]
    assert said[:4] == ["codebook 3", "noise level 0.60", "denoising", "flow at time 0.12"]
    assert said[4:] == ["flow", "language model", "accuracy of the language model", "ssl mert"]


def test_values_are_said_with_their_fields_in_the_readers_language():
    value = {"peak_learning_rate": 0.5, "disk": {"cache": 2, "unheard_of": True}, "devices": []}
    assert str(worded(value)) == "peak learning rate 0.500, disk cache 2, unheard of yes, devices –"
    assert "缓存 2" in worded(value).render("zh")
    assert str(field_path(["disk", "cache"])) == "disk · cache"


def test_the_page_opens_in_the_language_of_whoever_asked_for_it(tmp_path, monkeypatch):
    fake_run.full_run(tmp_path, prompts=["one"], seconds=0.5)
    monkeypatch.setattr(report_page, "reader_language", lambda: "zh")
    page = Page(build_report(RunFolder(tmp_path)))
    html = page.all("html")[0]
    assert (html["lang"], html["data-lang"], html["data-written"]) == ("zh", "zh", "zh")
    pressed = [attrs["data-to"] for attrs in page.all("button") if attrs.get("aria-pressed") == "true"]
    assert pressed == ["zh"]
    assert '<tspan class="en" lang="en">update</tspan><tspan class="zh" lang="zh">' in page.html


def test_every_measured_signal_has_a_name():
    from dataclasses import fields as fields_of

    from tunesmith.evaluation.signals import Signals
    from tunesmith.evaluation.speech.signals import SpeechSignals

    assert {field.name for kind in (Signals, SpeechSignals) for field in fields_of(kind)} <= set(SIGNALS)


def test_every_list_of_terms_that_is_asked_for_exists_and_none_is_left_over():
    kinds = {kind for text in (CODE | TEMPLATES).values() for kind in re.findall(r"""\bterm\(["'](\w+)["'],""", text)}
    assert kinds == set(TERMS)
    sections = {name.removesuffix(".j2") for name in TEMPLATES} - {"macros", "page.html"}
    assert set(SECTIONS) == sections


def test_no_template_speaks_for_itself():
    """What a template says outside of ``tr`` would stand in English alone: units and numbers only."""
    for name, text in TEMPLATES.items():
        bare = re.sub(r"\{[{%#].*?[#%}]\}|<[^>]*>", " ", re.sub(r"\{#.*?#\}", " ", text, flags=re.DOTALL))
        left = set(re.findall(r"[A-Za-z\u4e00-\u9fff]{3,}", re.sub(r"<[^<>]*>|\{\{.*?\}\}|\{%.*?%\}", " ", bare)))
        assert left <= {"kHz", "DOCTYPE", "html"} or name == "page.html.j2", (name, left)


def test_unknown_terms_stand_as_they_are():
    assert str(term("level", "error")) == "error"
    assert term("level", "error").render("zh") == "错误"
    assert term("level", "odd") == verbatim("odd")
    assert str(signal_name("my_number")) == "my_number"
    assert (str(signal_name("tempo_bpm")), signal_name("tempo_bpm").render("zh")) == ("tempo, BPM", "速度（BPM）")
    assert str(signal_name("tempo_bpm", unit=False)) == "tempo"
    assert str(signal_name(["x"])) == "['x']"


def test_values_with_braces_are_not_formatted_again():
    assert str(msg("Report on {name}", name="{oops}")) == "Report on {oops}"
    assert "{oops}" in words(verbatim("{oops}"))


@pytest.fixture
def french(tmp_path, monkeypatch):
    """A third language of a few sentences: a catalogue and nothing else."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    made = Catalog(locale="fr", charset="utf-8")
    for en, fr in (("English", "Français"), ("Verdict", "Verdict final"), ("Report on {name}", "Rapport sur {name}")):
        made.add(en, fr)
    place = tmp_path / "locale" / "fr" / "LC_MESSAGES" / "tunesmith.mo"
    place.parent.mkdir(parents=True)
    with place.open("wb") as file:
        write_mo(file, made)
    zh = catalogue.LOCALE / "zh" / "LC_MESSAGES" / "tunesmith.mo"
    (tmp_path / "locale" / "zh" / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "locale" / "zh" / "LC_MESSAGES" / "tunesmith.mo").write_bytes(zh.read_bytes())
    monkeypatch.setattr(catalogue, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(report_page, "LANGUAGES", ("en", "fr", "zh"))
    catalogue._catalogue.cache_clear()
    yield
    catalogue._catalogue.cache_clear()


@pytest.mark.usefixtures("french")
def test_a_third_language_needs_its_catalogue_and_nothing_else(tmp_path):
    page = Page(build_report(RunFolder(fake_run.full_run(tmp_path / "run", prompts=["one"], seconds=1.0))))
    assert [attrs["data-to"] for attrs in page.all("button")] == ["en", "fr", "zh"]
    assert ("fr", "Verdict final") in page.texts
    assert "Français" in page.text()
    assert page.all("html")[0]["data-title-fr"] == "Rapport sur mybeats"
    assert 'html:not([data-lang="fr"]) .fr, html[data-lang="fr"] .en { display: none; }' in page.html
    assert "held-out loss fell by 16 %" in page.text("fr")  # what the catalogue lacks is said in English
    for _, attrs in page.tags:
        assert len({f"data-{language}" in attrs for language in ("en", "fr", "zh")}) == 1


def test_both_languages_of_a_name_are_escaped():
    hostile = Message.fixed('"><script>', '"><img>')
    assert "<script>" not in words(hostile) + label(hostile)
    assert "<img>" not in words(hostile) + label(hostile)
    assert set(LANGUAGES) >= {"en", "zh"}


def test_what_stands_behind_a_finding_has_a_name():
    """Every number that a rule gives as evidence is called something, in every language."""
    folder = Path(diagnosis.__file__).parent
    keys = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "evidence":
                made = [node.value]
            elif isinstance(node, ast.FunctionDef) and node.name == "_evidence":
                made = [part for part in ast.walk(node) if isinstance(part, ast.Dict)]
            else:
                continue
            keys |= {key.value for part in made if isinstance(part, ast.Dict) for key in part.keys if key is not None}
    assert len(keys) > 20 and {"half_at", "spread", "fewest"} < keys
    assert keys <= {*FIELDS, *SIGNALS}
