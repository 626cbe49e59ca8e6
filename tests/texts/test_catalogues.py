"""The catalogues hold exactly the sentences of the code, each translated, and are compiled."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from string import Formatter

import pytest

from tools import texts
from tunesmith.texts import LANGUAGES

FILES = texts.catalogue_files()
AGAIN = "run `make texts`"


@pytest.fixture(scope="module")
def wanted() -> set[str]:
    return texts.sentences()


@pytest.fixture(scope="module", params=FILES)
def catalogue(request):
    return texts.read_catalogue(FILES[request.param])


def placeholders(sentence: str) -> list[tuple[str, str, str]]:
    """Names with formats and conversions; none for a sentence whose braces are meant as they stand."""
    try:
        found = Formatter().parse(sentence)
        return sorted((name, spec or "", conversion or "") for _, name, spec, conversion in found if name is not None)
    except ValueError:
        return []


def calls() -> Iterator[tuple[str, ast.expr | None]]:
    """The first argument of each call of ``msg`` and ``tr`` in the code, with where it stands."""
    for path in sorted(texts.SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in texts.KEYWORDS:
                yield f"{path.relative_to(texts.SOURCE)}:{node.lineno}", node.args[0] if node.args else None


def test_every_sentence_in_the_code_is_collected(wanted):
    own = {"texts/language.py", "texts/message.py"}  # where the functions themselves are
    for where, template in calls():
        if where.split(":")[0] not in own:
            assert isinstance(template, ast.Constant) and template.value in wanted, f"{where}: not a literal sentence"


def test_chinese_is_there():
    assert "zh" in FILES and set(LANGUAGES) == {"en", *FILES}


def test_no_sentence_is_missing_and_none_is_left_over(catalogue, wanted):
    held = {message.id for message in catalogue if message.id}
    assert sorted(wanted - held) == [], f"not in the catalogue: {AGAIN}"
    assert sorted(held - wanted) == [], f"no longer in the code: {AGAIN}"


def test_every_sentence_is_translated(catalogue):
    assert [message.id for message in catalogue if message.id and (not message.string or message.fuzzy)] == []


def test_a_translation_has_the_values_of_its_sentence(catalogue):
    for message in catalogue:
        if message.id:
            assert placeholders(message.string) == placeholders(message.id), message.id


def test_what_the_program_reads_is_what_translators_wrote(catalogue):
    path = FILES[str(catalogue.locale)]
    assert path.read_bytes() == texts.as_po(catalogue), f"not in its plain form: {AGAIN}"
    assert path.with_suffix(".mo").read_bytes() == texts.as_mo(catalogue), f"not compiled: {AGAIN}"


def test_an_update_keeps_translations_adds_what_is_new_and_drops_what_is_gone():
    before = texts.updated(texts.PlainCatalogue("zh"), {"kept {n}", "gone"})
    before.get("kept {n}").string = "留 {n}"
    after = texts.updated(before, {"kept {n}", "new"})
    assert {message.id: message.string for message in after if message.id} == {"kept {n}": "留 {n}", "new": ""}
