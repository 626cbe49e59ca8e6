"""``tunesmith studio``: the server from its first to its last request."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import threading
import webbrowser
from ipaddress import ip_address
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg, tr

RUNS = Path("runs")
"""As in ``stages/open.py``, which reads recipes and so would bring half of the house with it."""
PORT = 8420
_TRIED = 20
"""Ports from the first one on that are tried when nobody asked for one."""


def serve(
    runs: Path = RUNS,
    *,
    port: int | None = None,
    host: str = "127.0.0.1",
    allow: tuple[str, ...] = (),
    browser: bool = True,
) -> int:
    """Serve the studio until it is stopped; jobs go on without it.

    Args:
        runs: The folder of all runs; made where it is missing.
        port: The port; by default the first free one from 8420 on.
        host: The address to listen on.
        allow: Names by which other machines may address it.
        browser: Open the page.

    Raises:
        TunesmithError: when its libraries are missing, no port is free, or other machines were let in without a name.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise TunesmithError(
            msg("the studio needs fastapi and uvicorn, which are not installed"),
            remedy=msg("Install them with `pip install 'tunesmith[studio]'`."),
        ) from error
    from tunesmith.studio.app import make_app
    from tunesmith.studio.guard import Door
    from tunesmith.studio.token_file import token_of

    if not is_loopback(host) and not allow:
        raise TunesmithError(
            msg("--host {host} lets other machines in, and no name is allowed", host=host),
            where="--allow-host",
            remedy=msg("Name what their address bar shows: --allow-host NAME. Safer is an SSH tunnel to 127.0.0.1."),
        )
    token = token_of(runs / ".studio")
    listening = listen(host, port)
    number = int(listening.getsockname()[1])
    app = make_app(runs, Door(token, number, allow))
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") or is_loopback(host) else host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{number}/?token={token}"
    print(tr("The studio: {address}", address=address), flush=True)  # noqa: T201
    print(tr("Ctrl-C ends the page; jobs go on."), flush=True)  # noqa: T201
    if browser and _has_browser():
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    settings = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="off", ws="none", proxy_headers=False
    )
    uvicorn.Server(settings).run(sockets=[listening])
    return 0


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens, on the port asked for or the first free one.

    Raises:
        TunesmithError: when there is none.
    """
    for number in [port] if port is not None else range(PORT, PORT + _TRIED):
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
            made = socket.socket(family, kind)
        except (OSError, UnicodeError) as error:
            raise _no_address(host, error) from error
        if os.name != "nt":  # there it would let two servers share a port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(address)
        except OSError as error:
            made.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise _no_address(host, error) from error
            if port is not None:
                raise TunesmithError(
                    msg("port {port} cannot be listened on ({reason})", port=str(port), reason=error.strerror or ""),
                    where="--port",
                    remedy=msg("Take another one, or none: the first free one is found."),
                ) from error
            continue
        made.listen(128)
        return made
    raise TunesmithError(
        msg("no port from {first} to {last} is free", first=str(PORT), last=str(PORT + _TRIED - 1)),
        where="--port",
        remedy=msg("Name a free one."),
    )


def _no_address(host: str, error: Exception) -> TunesmithError:
    reason = getattr(error, "strerror", None) or str(error)
    return TunesmithError(
        msg("`{host}` is no address of this machine ({reason})", host=host[:200], reason=reason),
        where="--host",
        remedy=msg("Use 127.0.0.1, or an address that this machine has."),
    )


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _has_browser() -> bool:
    """Whether somebody sits before this machine."""
    if "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
