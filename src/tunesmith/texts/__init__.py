"""What is said, as data: sentences with values, put into words in the reader's language at the last moment."""

from tunesmith.texts.language import LANGUAGES, reader_language, tr
from tunesmith.texts.message import Message, msg

__all__ = ["LANGUAGES", "Message", "msg", "reader_language", "tr"]
