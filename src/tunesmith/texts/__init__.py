"""What is said, as data: sentences with values, put into words in the reader's language at the last moment."""

from tunesmith.texts.joined import all_of, any_of, in_lines, in_turn, joined, with_remedy
from tunesmith.texts.language import LANGUAGE_NAME, LANGUAGES, in_every_language, reader_language, tr, tr_all
from tunesmith.texts.message import NOTHING, Message, as_message, msg

__all__ = [
    "LANGUAGES",
    "LANGUAGE_NAME",
    "NOTHING",
    "Message",
    "all_of",
    "any_of",
    "as_message",
    "in_every_language",
    "in_lines",
    "in_turn",
    "joined",
    "msg",
    "reader_language",
    "tr",
    "tr_all",
    "with_remedy",
]
