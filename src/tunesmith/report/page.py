"""What the pages share that people open in a browser: every language in one file, style and script inside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from tunesmith.texts import LANGUAGE_NAME, LANGUAGES, Message, msg, reader_language

# Control characters and lone surrogates, which no HTML file may hold; a caption may hold anything.
_UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def render_page(template: str, raw: Mapping[str, Sequence[str]], view: Mapping[str, Any]) -> str:
    """A page of ``templates/`` as text, in every language that has a catalogue.

    Args:
        template: Its name.
        raw: Files that are put in as they are, one after the other, by the name that the template has for them.
        view: What the template shows.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("tunesmith.report", "templates")
    page = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    # Styles and scripts are no templates: their braces are their own.
    files = {
        name: Markup("\n").join(Markup(loader.get_source(page, file)[0]) for file in names)
        for name, names in raw.items()
    }
    return page.get_template(template).render(**_language_helpers(), **view, **files)


def printable(html: str) -> str:
    """The page without what no HTML file may hold."""
    return _UNPRINTABLE.sub("\ufffd", html)


def _language_helpers() -> dict[str, Any]:
    return {
        "tr": lambda template, **values: words(Message(id=template, values=values)),
        "words": words,
        "label": label,
        "in_language": lambda message, language: message.render(language),
        "written_in": reader_language(),
        "language_attributes": _language_attributes,
        "language_rules": _language_rules(),
        "language_buttons": _language_buttons(),
    }


def _language_attributes(title: Message) -> Markup:
    """What the root element says of the language that the page opens in, and of the title in every one."""
    written_in = reader_language()
    here = Markup('lang="{0}"' if written_in == "en" else 'lang="{0}" data-lang="{0}" data-written="{0}"')
    titles = (Markup('data-title-{}="{}"').format(language, title.render(language)) for language in LANGUAGES)
    return Markup(" ").join((here.format(written_in), *titles))


def _language_rules() -> Markup:
    """Style that shows one language and hides the others."""
    rule = 'html:not([data-lang="{0}"]) .{0}, html[data-lang="{0}"] .en {{ display: none; }}\n'
    return Markup("").join(Markup(rule).format(language) for language in LANGUAGES if language != "en")


def _language_buttons() -> Markup:
    """The switch from one language to another, for ``language.js``."""
    button = Markup('<button type="button" data-to="{0}" lang="{0}" aria-pressed="{1}">{2}</button>')
    buttons = Markup("").join(
        button.format(language, str(language == reader_language()).lower(), LANGUAGE_NAME.render(language))
        for language in LANGUAGES
    )
    word = " / ".join(dict.fromkeys(msg("Language").render(language) for language in LANGUAGES))
    return Markup('<div class="languages" role="group" aria-label="{}">{}</div>').format(word, buttons)


def words(text: Message | str | None) -> Markup:
    """A text in every language; the page shows it in one of them."""
    if isinstance(text, str):
        return escape(text)
    spoken = {language: text.render(language) for language in LANGUAGES} if text else {"en": ""}
    if len(set(spoken.values())) == 1:
        return Markup("<bdi>{}</bdi>").format(spoken["en"]) if text else Markup("")
    spans = (
        Markup('<span class="{0}" lang="{0}">{1}</span>').format(language, text) for language, text in spoken.items()
    )
    return Markup("").join(spans)


def label(text: Message) -> Markup:
    """Attributes that name an element aloud; the page's script changes the language."""
    spoken = (Markup('data-{}="{}"').format(language, text.render(language)) for language in LANGUAGES)
    return Markup('aria-label="{}" {}').format(text.render(), Markup(" ").join(spoken))
