"""What is said, as data: sentences with values, put into words in the reader's language at the last moment."""

from tunesmith.texts.joined import all_of, any_of, joined, with_remedy
from tunesmith.texts.language import LANGUAGES, in_every_language, reader_language, tr
from tunesmith.texts.message import Message, as_message, msg

__all__ = [
    "LANGUAGES",
    "Message",
    "all_of",
    "any_of",
    "as_message",
    "in_every_language",
    "joined",
    "msg",
    "reader_language",
    "tr",
    "with_remedy",
]
