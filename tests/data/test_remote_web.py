"""Clips on a web server, whose list of a folder says neither size nor time: each file is asked about by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tunesmith.data import remote
from tunesmith.data.remote import copy_remote, is_copied, local_place
from tunesmith.errors import TunesmithError

pytest.importorskip("aiohttp")


@dataclass
class Site:
    """What a server has: content, headers and, where not 200, the status by name; and what it was asked for."""

    files: dict[str, bytes]
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    page: str = ""
    lengths: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    stop: Callable[[], object] = lambda: None

    def fetched(self) -> list[str]:
        """Names whose content was asked for since the last call."""
        names = sorted(name for method, name in self.asked if method == "GET" and name in self.files)
        self.asked.clear()
        return names


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(False)

        def do_GET(self):
            self.answer(True)

        def answer(self, content):
            name = self.path.removeprefix("/clips").lstrip("/")
            site.asked.append((self.command, name))
            is_page = not name or name.endswith("/")
            links = {each.removeprefix(name).partition("/") for each in site.files if each.startswith(name)}
            page = "".join(f'<a href="{first}{slash}">{first}</a>' for first, slash, _ in links) + site.page
            body = page.encode() if is_page else site.files.get(name.partition("?")[0], b"")
            self.send_response(site.status.get(name, 200))
            self.send_header("Content-Type", "text/html" if is_page else "application/octet-stream")
            for key, value in site.headers.get(name, {}).items():
                self.send_header(key, value)
            if site.lengths:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if content:
                self.wfile.write(body[: len(body) // 2] if name in site.cut else body)

    return Handler


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    site = Site({"a.wav": b"one", "b.flac": b"two", "a.txt": b"a caption"})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(site)) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,))
        thread.start()
        site.address = f"http://127.0.0.1:{serving.server_port}/clips"
        site.stop = lambda: (serving.shutdown(), serving.server_close())
        yield site
        serving.shutdown()
        thread.join()


def copied(site: Site) -> dict[str, bytes]:
    """Brings the copy up to date; what it is then."""
    copy_remote(site.address, lambda files: lambda: None)
    place = local_place(site.address)
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("header", "before", "after"),
    [
        ("ETag", '"1"', '"2"'),
        ("Last-Modified", "Tue, 01 Dec 2026 10:00:00 GMT", "Wed, 02 Dec 2026 10:00:00 GMT"),
    ],
)
def test_other_content_of_the_same_size_is_noticed(site, header, before, after):
    site.headers = {name: {header: before} for name in site.files}
    assert copied(site) == site.files and site.fetched() == sorted(site.files)
    assert copied(site) == site.files and site.fetched() == [], "nothing has changed"
    site.files["a.wav"], site.headers["a.wav"] = b"ONE", {header: after}
    assert copied(site) == site.files and site.fetched() == ["a.wav"]


def test_another_size_is_noticed_where_nothing_else_is_said(site):
    assert copied(site) == site.files
    site.fetched()
    site.files["b.flac"] = b"longer"
    assert copied(site) == site.files and site.fetched() == ["b.flac"]


def test_what_nothing_is_said_of_is_fetched_whenever_the_address_is_looked_at(site):
    site.lengths = False
    assert copied(site) == site.files
    site.files["a.wav"] = b"ONE"
    assert copied(site) == site.files, "nothing but its content tells"


def test_what_nothing_is_said_of_is_fetched_once_where_copying_goes_on(site):
    site.lengths = False

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_remote(site.address, lambda files: stop)
    waiting = []
    copy_remote(site.address, lambda files: lambda: waiting.append(files))
    assert waiting == [2, 2]


def test_large_files_and_links_of_the_page_are_left_out(site, monkeypatch):
    monkeypatch.setattr(remote, "MOST_BYTES", 100)
    site.page = '<a href="?C=N;O=D">Name</a> <a href="a.wav?download=1">again</a> <a href="#top">up</a>'
    site.files["video.mkv"] = b"0" * 101
    site.files["long.wav"] = b"0" * 101
    assert sorted(copied(site)) == ["a.txt", "a.wav", "b.flac", "long.wav"]


@pytest.mark.parametrize(("status", "said"), [(404, "404"), (403, "403"), (500, "500")])
def test_a_listed_file_that_is_refused_is_said(site, status, said):
    site.status["b.flac"] = status
    with pytest.raises(TunesmithError, match=said) as caught:
        copied(site)
    assert caught.value.where == site.address and caught.value.remedy and not is_copied(site.address)
    assert "\n" not in str(caught.value.what)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_folder_below_that_is_refused_is_said_and_nothing_of_it_is_dropped(site, status):
    site.files["sub/c.wav"] = b"three"
    assert copied(site) == site.files
    site.status["sub/"] = status
    with pytest.raises(TunesmithError, match="this address cannot be read"):
        copied(site)
    assert (local_place(site.address) / "sub" / "c.wav").read_bytes() == b"three"


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_page_that_is_refused_is_said(site, status):
    site.status[""] = status
    with pytest.raises(TunesmithError, match=str(status)):
        copied(site)


def test_a_file_that_is_cut_off_is_said_and_the_copy_of_before_stays(site):
    site.headers = {name: {"ETag": '"1"'} for name in site.files}
    copied(site)
    site.files["a.wav"], site.headers["a.wav"], site.cut = b"much longer now", {"ETag": '"2"'}, {"a.wav"}
    with pytest.raises(TunesmithError, match="this address cannot be read"):
        copied(site)
    place = local_place(site.address)
    assert {path.name for path in place.iterdir()} == {"a.wav", "b.flac", "a.txt"}
    assert (place / "a.wav").read_bytes() == b"one" and not is_copied(site.address)
    site.cut = set()
    assert copied(site) == site.files and is_copied(site.address)


def test_a_server_that_is_gone_is_said_and_the_copy_stays_whole(site):
    copied(site)
    site.stop()
    with pytest.raises(TunesmithError, match="this address cannot be read"):
        copied(site)
    assert is_copied(site.address)
