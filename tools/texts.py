"""``make texts``: collect the sentences of the code, bring every catalogue up to date, compile it.

The English sentence is the id. A sentence that the code no longer has leaves the catalogues, a new one is added without
a translation, and ``tests/texts`` fails until it has one. The header of a catalogue holds neither dates nor people, so
that the file changes with its sentences alone.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from tunesmith.cli.main import app
from tunesmith.cli.verb_help import documentation, verbs_of

SOURCE = Path(__file__).parents[1] / "src" / "tunesmith"
LOCALE = SOURCE / "texts" / "locale"
DOMAIN = "tunesmith"
KEYWORDS: dict[str, None] = {"msg": None, "tr": None, "tr_all": None}
"""The functions whose first argument is a sentence."""
METHODS = [("**.py", "python"), ("**.j2", "jinja2")]
"""What reads which files: the page of the report has its sentences in its templates."""


class PlainCatalogue(Catalog):
    """Sentences of one language, with a header that does not change by itself."""

    @property  # type: ignore[misc]
    def mime_headers(self) -> list[tuple[str, str]]:
        """What readers of the file have to know."""
        return [
            ("Language", str(self.locale)),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


def sentences() -> set[str]:
    """Every sentence in the code, and what the verbs of the command line say of themselves."""
    found = extract_from_dir(SOURCE, METHODS, keywords=KEYWORDS, options_map={"**.j2": {"silent": "false"}})
    in_code = {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}
    return in_code | {documentation(verb) for verb in verbs_of(app)}


def catalogue_files() -> dict[str, Path]:
    """The catalogue of each language."""
    return {path.parts[-3]: path for path in sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))}


def read_catalogue(path: Path) -> PlainCatalogue:
    """A catalogue as it lies on disk."""
    language = path.parts[-3]
    with path.open("rb") as file:
        read = read_po(file, locale=language)
    catalogue = PlainCatalogue(language, fuzzy=False, header_comment=f"# Tunesmith's sentences in {language}.")
    for message in read:
        if message.id:
            catalogue[message.id] = message
    return catalogue


def updated(catalogue: PlainCatalogue, wanted: set[str]) -> PlainCatalogue:
    """The catalogue with exactly the wanted sentences; new ones have no translation yet."""
    known = {message.id: message for message in catalogue if message.id}
    made = PlainCatalogue(catalogue.locale, fuzzy=False, header_comment=catalogue.header_comment)
    for sentence in sorted(wanted):
        made.add(sentence, known[sentence].string if sentence in known else "")
    return made


def as_po(catalogue: PlainCatalogue) -> bytes:
    """The text that translators edit."""
    file = io.BytesIO()
    write_po(file, catalogue, sort_output=True, no_location=True)
    return file.getvalue()


def as_mo(catalogue: PlainCatalogue) -> bytes:
    """What the program reads."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def main() -> int:
    """Update and compile every catalogue; a folder with an empty ``tunesmith.po`` is a new language."""
    wanted = sentences()
    for language, path in catalogue_files().items():
        catalogue = updated(read_catalogue(path), wanted)
        path.write_bytes(as_po(catalogue))
        path.with_suffix(".mo").write_bytes(as_mo(catalogue))
        missing = sorted(str(message.id) for message in catalogue if message.id and not message.string)
        print(f"{language}: {len(wanted) - len(missing)} of {len(wanted)} sentences are translated")
        for sentence in missing:
            print(f"  missing: {sentence}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
