"""Where the lyric vocabulary lies. The published checkpoint does not hold it; upstream's Git repository does."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import TRANSFORMER, TransformerConfig
from tunesmith.families.ace_step.lyrics.languages import SUPPORTED
from tunesmith.families.config_file import read_config_file
from tunesmith.files import atomic_path, cache_home, explain_os_error
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "lyric_vocab.json"
"""Its name beside a checkpoint's weights and in the user's cache."""
OPTION = "options.lyric_vocabulary"
URL = (
    "https://raw.githubusercontent.com/ace-step/ACE-Step/d612523f50e252c0e138e68ae75b06223f96e934"
    "/acestep/models/lyrics_utils/vocab.json"
)
SHA256 = "c2a66ea48c478c0bb9acb5497144b926acdeaa37128faa799508d40f2b9cc558"
SIZE_BYTES, ENTRIES = 364_005, 6693
_TIMEOUT = 30.0
_MARKERS = ("[START]", "[UNK]", "[SPACE]", *(f"[{'zh-cn' if code == 'zh' else code}]" for code in SUPPORTED))


def locate_vocabulary(option: str, checkpoint: Path) -> Path:
    """The vocabulary file for a checkpoint; downloads the published one if it is nowhere else.

    Looks at ``option``, beside the checkpoint's weights, in an installed ``acestep`` package (which is not imported)
    and in the user's cache. A file of the first two kinds may be any vocabulary with as many entries as the checkpoint
    has lyric embeddings; one from the package or the network must be the published file, byte for byte.

    Args:
        option: The recipe's ``options.lyric_vocabulary``; empty to look for it.
        checkpoint: Folder of the checkpoint.

    Raises:
        TunesmithError: when a file does not fit, or none is there and the download fails.
    """
    entries = _entries(checkpoint)
    if option:
        return _fitting(Path(option).expanduser(), entries)
    for path in (checkpoint / FILE, checkpoint / TRANSFORMER / FILE):
        if path.is_file():
            return _fitting(path, entries)
    if entries != ENTRIES:
        raise TunesmithError(
            msg(
                "this checkpoint has {embeddings} lyric embeddings, the published lyric vocabulary {entries} entries",
                embeddings=entries,
                entries=ENTRIES,
            ),
            where=str(checkpoint),
            remedy=msg(
                "Put the vocabulary it was trained with there as {file}, or give its path in `{option}`.",
                file=FILE,
                option=OPTION,
            ),
        )
    for candidate in (_installed(), cache_path()):
        if candidate is not None and candidate.is_file() and _digest(candidate.read_bytes()) == SHA256:
            return candidate
    return _download(cache_path())


def load_vocabulary(path: Path) -> Tokenizer:
    """Read a vocabulary.

    Raises:
        TunesmithError: when the file is missing, is no ``tokenizers`` JSON, or lacks a marker that lyrics need.
    """
    from tokenizers import Tokenizer

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise explain_os_error(error, path) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path) from error
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the library raises plain Exception
        raise _unreadable(path) from error
    absent = [marker for marker in _MARKERS if tokenizer.token_to_id(marker) is None]
    if absent:
        raise TunesmithError(
            msg("this vocabulary lacks {tokens}", tokens=tuple(absent)),
            where=str(path),
            remedy=msg("Use ACE-Step's lyric vocabulary."),
        )
    return tokenizer


def cache_path() -> Path:
    """Where the download is kept, in the user's cache."""
    return cache_home() / "ace_step" / FILE


def _entries(checkpoint: Path) -> int:
    return TransformerConfig.from_json(
        read_config_file(checkpoint / TRANSFORMER / "config.json")
    ).lyric_encoder_vocab_size


def _fitting(path: Path, entries: int) -> Path:
    size = load_vocabulary(path).get_vocab_size(with_added_tokens=True)
    if size != entries:
        raise TunesmithError(
            msg(
                "this vocabulary has {entries} entries, the checkpoint {embeddings} lyric embeddings",
                entries=size,
                embeddings=entries,
            ),
            where=str(path),
            remedy=msg("Use the vocabulary that the checkpoint was trained with."),
        )
    return path


def _installed() -> Path | None:
    """The file of an installed ``acestep`` package; finding a top-level package does not run its code."""
    spec = find_spec("acestep")
    folders = spec.submodule_search_locations if spec is not None else None
    files = [Path(folder, "models", "lyrics_utils", "vocab.json") for folder in folders or ()]
    return next((file for file in files if file.is_file()), None)


def _download(path: Path) -> Path:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise _absent(msg("HF_HUB_OFFLINE is set"))
    try:
        content = _fetch(URL)
    except OSError as error:  # URLError, timeouts and resets among them
        reason = str(getattr(error, "reason", None) or error)
        raise _absent(msg("the download failed: {reason}", reason=reason)) from error
    if _digest(content) != SHA256:
        raise _absent(
            msg(
                "what came back is not the file ({size:,} bytes, SHA-256 {digest}…)",
                size=len(content),
                digest=_digest(content)[:8],
            )
        )
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return path


def _fetch(url: str) -> bytes:
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=_TIMEOUT) as answer:
            return bytes(answer.read(2 * SIZE_BYTES))  # a portal's page may be of any length
    except HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from error


def _absent(reason: Message) -> TunesmithError:
    return TunesmithError(
        msg(
            "the lyric vocabulary is not on this machine ({reason}); the checkpoint does not hold it, and lyrics need "
            "it",
            reason=reason,
        ),
        where=OPTION,
        remedy=msg(
            "Download {url} ({size:,} bytes, SHA-256 {digest}…) and give its path in `{option}`. It "
            "comes from a repository under Apache-2.0 and seems to build on the vocabulary of Coqui XTTS v2, "
            "which has a licence of its own, so it is not bundled here.",
            url=URL,
            size=SIZE_BYTES,
            digest=SHA256[:8],
            option=OPTION,
        ),
    )


def _unreadable(path: Path) -> TunesmithError:
    return TunesmithError(
        msg("this file is no vocabulary of the `tokenizers` library"),
        where=str(path),
        remedy=msg("Use lyric_vocab.json."),
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
