"""Clips at an address are copied before they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from tunesmith.data.remote import copy_remote, is_copied, is_remote, local_place
from tunesmith.run.console import Console
from tunesmith.texts import msg


def bring(folder: str, console: Console, *, anew: bool = True) -> None:
    """Bring the copy of what lies at an address up to date, with a progress bar; a path needs nothing.

    Args:
        folder: Where the clips of a recipe are.
        console: Draws the progress, and says where the copy is.
        anew: Look at the address although a whole copy is there.

    Raises:
        TunesmithError: when the address cannot be read, or the copy not be written.
    """
    if not is_remote(folder) or (not anew and is_copied(folder)):
        return
    with ExitStack() as stack:

        def progress(files: int) -> Callable[[], None]:
            if not files:
                return lambda: None
            place = str(local_place(folder))
            console.log(msg("{count} files of {address} are copied to {path}", count=files, address=folder, path=place))
            return stack.enter_context(console.progress(msg("copy"), files))

        copy_remote(folder, progress)
