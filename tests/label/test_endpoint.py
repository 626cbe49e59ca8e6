from __future__ import annotations

import base64
import io
import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.label.answers import GOOD, clip, good, texts
from tunesmith.cli.main import main
from tunesmith.data.labels import read_labels
from tunesmith.errors import TunesmithError
from tunesmith.label.endpoint import Endpoint
from tunesmith.label.provider import NoAnswerError, Question, StalledError

Answer = tuple[int, str, dict[str, str]]
QUESTION = Question("the task", "the clip", np.linspace(-0.5, 0.5, 1600, dtype=np.float32))


def said(text: str | None) -> Answer:
    """What a server sends when its model says ``text``."""
    return 200, json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}), {}


def streamed(*pieces: str) -> Answer:
    events = [json.dumps({"choices": [{"delta": {"content": piece}}]}) for piece in pieces]
    events += [json.dumps({"choices": [{"delta": {}}]}), json.dumps({"choices": [], "usage": {}}), "[DONE]"]
    return 200, "".join(f"data: {event}\n\n" for event in events), {}


def status(code: int, message: str = "", **headers: str) -> Answer:
    return code, json.dumps({"error": {"message": message}}), headers


class FakeServer:
    """A server on this machine that answers what it is told to, in turn, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[dict[str, Any]], Answer]] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                fake.paths.append(self.path)
                fake.headers.append(dict(self.headers))
                fake.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                answer = fake.answers.pop(0) if len(fake.answers) > 1 else fake.answers[0]
                code, text, headers = answer(fake.bodies[-1]) if callable(answer) else answer
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_GET(self) -> None:
                fake.paths.append(self.path)
                fake.headers.append(dict(self.headers))
                self.send_error(405)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def will(self, *answers: Answer | Callable[[dict[str, Any]], Answer]) -> None:
        self.answers = list(answers)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("TUNESMITH_LABEL_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    fake = FakeServer()
    yield fake
    fake.http.shutdown()
    fake.http.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def ask(server: FakeServer, waits: list[float]) -> Callable[..., str]:
    """Puts one question to the server."""

    def put(question: Question = QUESTION, dialect: Any = "openai") -> str:
        return Endpoint("m", server.url, dialect, wait=waits.append).answer(question)

    return put


def sound_of(message: dict[str, Any]) -> tuple[np.ndarray, int]:
    part = message["content"][0]
    assert part["type"] == "input_audio"
    assert part["input_audio"]["format"] == "wav"
    return soundfile.read(io.BytesIO(base64.b64decode(part["input_audio"]["data"].removeprefix("data:;base64,"))))


def test_the_request_carries_the_sound_the_texts_and_the_schema(server: FakeServer, ask: Callable[..., str]) -> None:
    server.will(said("hello"))
    assert ask() == "hello"
    assert server.paths == ["/v1/chat/completions"]
    body = server.bodies[0]
    system, user = body["messages"]
    assert (body["model"], system) == ("m", {"role": "system", "content": "the task"})
    assert user["content"][1] == {"type": "text", "text": "the clip"}
    audio, rate = sound_of(user)
    assert rate == 16000
    assert np.abs(audio - QUESTION.audio).max() < 1e-4
    assert not user["content"][0]["input_audio"]["data"].startswith("data:")
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert set(schema["schema"]["required"]) == set(GOOD)
    assert "Authorization" not in server.headers[0]


def test_a_question_asked_again_shows_the_refused_answer(server: FakeServer, ask: Callable[..., str]) -> None:
    server.will(said("hello"))
    ask(QUESTION.again("nonsense", "it holds no JSON object"))
    user, refused, complaint = server.bodies[0]["messages"][1:]
    assert sound_of(user)[1] == 16000
    assert refused == {"role": "assistant", "content": "nonsense"}
    assert "it holds no JSON object" in complaint["content"]


def test_dashscope_gets_a_data_url_and_is_read_as_a_stream(server: FakeServer, ask: Callable[..., str]) -> None:
    server.will(streamed("陷", "阱 {", "}"))
    assert ask(dialect="dashscope") == "陷阱 {}"
    body = server.bodies[0]
    assert (body["stream"], body["modalities"]) == (True, ["text"])
    assert body["messages"][1]["content"][0]["input_audio"]["data"].startswith("data:;base64,")
    assert len(sound_of(body["messages"][1])[0]) == 1600


def test_a_server_that_refuses_the_schema_is_asked_without_from_then_on(server: FakeServer) -> None:
    server.will(lambda body: status(400, "no response_format here") if "response_format" in body else said("hello"))
    endpoint = Endpoint("m", server.url)
    assert [endpoint.answer(QUESTION) for _ in range(2)] == ["hello"] * 2
    assert ["response_format" in body for body in server.bodies] == [True, False, False]
    assert "temperature" not in server.bodies[1]


def test_a_clip_that_is_refused_either_way_does_not_change_how_the_next_is_asked(server: FakeServer) -> None:
    server.will(status(400, "unsafe content"), status(400, "unsafe content"), said("hello"))
    endpoint = Endpoint("m", server.url)
    with pytest.raises(NoAnswerError, match=r"refuses the request \(HTTP 400: unsafe content\)"):
        endpoint.answer(QUESTION)
    assert endpoint.answer(QUESTION) == "hello"
    assert "response_format" in server.bodies[-1]


def test_a_busy_server_is_asked_again_later(server: FakeServer, ask: Callable[..., str], waits: list[float]) -> None:
    server.will(status(429), status(503, Retry_After="7"), status(500, Retry_After="3600"), said("hello"))
    assert ask() == "hello"
    assert waits == [2.0, 7.0, 60.0]


def test_a_server_that_stays_busy_gives_no_answer(
    server: FakeServer, ask: Callable[..., str], waits: list[float]
) -> None:
    server.will(status(429, "slow down"))
    with pytest.raises(NoAnswerError, match=r"no answer after 5 tries \(HTTP 429: slow down\)"):
        ask()
    assert waits == [2.0, 4.0, 8.0, 16.0]


@pytest.mark.parametrize("answer", [(200, "<html>", {}), (200, "{}", {}), said(None), (200, '{"choices": []}', {})])
def test_an_answer_without_text_is_no_answer(server: FakeServer, ask: Callable[..., str], answer: Answer) -> None:
    server.will(answer)
    with pytest.raises(NoAnswerError, match="holds no text"):
        ask()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (401, r"the server wants a key \(HTTP 401: who are you\)\. Set TUNESMITH_LABEL_API_KEY"),
        (404, r"does not know this address or model \(HTTP 404: who are you\)\. Check --base-url"),
    ],
)
def test_what_no_request_will_mend_ends_the_run(
    server: FakeServer, ask: Callable[..., str], waits: list[float], code: int, sentence: str
) -> None:
    server.will(status(code, "who are you"))
    with pytest.raises(TunesmithError, match=sentence) as told:
        ask()
    assert not isinstance(told.value, NoAnswerError)
    assert (waits, len(server.bodies)) == ([], 1)


def test_the_key_is_sent_and_never_shown(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")
    server.will(said("hello"))
    ask()
    monkeypatch.setenv("TUNESMITH_LABEL_API_KEY", "sk-first")
    server.will(status(401, "bad key sk-first"))
    with pytest.raises(TunesmithError, match="does not accept the key") as told:
        ask()
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer sk-second", "Bearer sk-first"]
    assert "sk-first" not in str(told.value)


def test_the_key_does_not_follow_a_redirection(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., str]
) -> None:
    monkeypatch.setenv("TUNESMITH_LABEL_API_KEY", "sk-first")
    server.will((302, "", {"Location": "/elsewhere"}))
    with pytest.raises(TunesmithError, match="does not know this address"):
        ask()
    assert server.paths == ["/v1/chat/completions", "/elsewhere"]
    assert ["Authorization" in headers for headers in server.headers] == [True, False]


@pytest.mark.parametrize("code", [302, 307])
def test_a_recording_is_never_sent_on_to_another_server(server: FakeServer, ask: Callable[..., str], code: int) -> None:
    other = FakeServer()
    server.will((code, "", {"Location": f"{other.url}/chat/completions"}))
    with pytest.raises(TunesmithError, match=r"sends the request on to another one \(http://127.*--base-url") as told:
        ask()
    other.http.shutdown()
    other.http.server_close()
    assert not isinstance(told.value, NoAnswerError)
    assert (len(server.bodies), other.paths) == (1, [])


def test_a_server_that_moved_within_itself_gets_the_whole_request_again(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., str]
) -> None:
    monkeypatch.setenv("TUNESMITH_LABEL_API_KEY", "sk-first")
    server.will((307, "", {"Location": "/v2/chat/completions"}), said("hello"))
    assert ask() == "hello"
    assert server.paths == ["/v1/chat/completions", "/v2/chat/completions"]
    assert server.bodies[0] == server.bodies[1]
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer sk-first"] * 2


def slow(text: str, seconds: float) -> Callable[[dict[str, Any]], Answer]:
    """An answer that is long in coming."""

    def answer(body: dict[str, Any]) -> Answer:
        time.sleep(seconds)
        return said(text)

    return answer


def test_a_stalled_server_is_asked_once(server: FakeServer) -> None:
    server.will(slow("late", 0.6))
    with pytest.raises(StalledError, match=r"no answer within 0\.2 s"):
        Endpoint("m", server.url, timeout_s=0.2, wait=pytest.fail).answer(QUESTION)  # type: ignore[arg-type]
    assert len(server.bodies) == 1


def test_an_answer_that_trickles_is_given_up_in_time() -> None:
    """Each reading from the socket is quick; the whole is not."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                for _ in range(40):
                    connection.sendall(b" ")
                    time.sleep(0.05)

        threading.Thread(target=trickle, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(StalledError):
            Endpoint("m", f"http://127.0.0.1:{listening.getsockname()[1]}/v1", timeout_s=0.3).answer(QUESTION)
        assert time.monotonic() - began < 1.5


def test_a_server_that_stalls_from_the_start_ends_the_run_after_one_clip(
    server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        clip(tmp_path / f"{number}.wav", seed=number, seconds=2.0)
    server.will(slow("late", 1.3))
    command = ["label", str(tmp_path), "--provider", "endpoint", "--model", "m", "--base-url", server.url]
    assert main([*command, "--timeout", "1"]) == 1
    told = capsys.readouterr()
    assert "the first clip, 0.wav, got no answer: " in told.err
    assert "no answer within 1 s" in told.err
    assert "--timeout SECONDS gives it longer" in told.err
    assert "0 labels are kept" in told.out
    assert len(server.bodies) == 1


def test_several_requests_are_under_way_at_once(
    server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No answer comes before three requests are there; two clips with one sound are one question."""
    for number in range(3):
        clip(tmp_path / f"{number}.wav", seed=number, seconds=2.0)
    shutil.copy(tmp_path / "2.wav", tmp_path / "3.wav")
    together = threading.Barrier(3, timeout=20)

    def answer(body: dict[str, Any]) -> Answer:
        together.wait()
        return said(good())

    server.will(answer)
    command = ["label", str(tmp_path), "--provider", "endpoint", "--model", "m", "--base-url", server.url]
    assert main([*command, "--parallel", "4"]) == 0
    assert len(server.bodies) == 3
    assert "labelled: 3 clips, 1 had been before" in capsys.readouterr().out
    assert list(read_labels(tmp_path)) == [f"{number}.wav" for number in range(4)]


def test_an_error_keeps_the_answers_that_had_come_and_counts_every_label(
    server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["label", str(tmp_path), "--provider", "endpoint", "--model", "m", "--base-url", server.url]
    clip(tmp_path / "9.wav", seed=9, seconds=2.0)
    server.will(said(good()))
    assert main(command) == 0
    for number in range(2):
        clip(tmp_path / f"{number}.wav", seed=number, seconds=2.0)
    server.will(status(401))
    assert main(command) == 1  # at the first clip, before the one that is labelled is reached
    assert "1 labels are kept" in capsys.readouterr().out


def test_nobody_there_is_said_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TunesmithError, match=r"no connection to the server.*Check that it runs"):
        Endpoint("m", f"http://127.0.0.1:{port}/v1", wait=pytest.fail).answer(QUESTION)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(TunesmithError, match=r"--base-url: .* is no address"):
        Endpoint("m", url)


def test_a_folder_is_labelled_over_http(server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(4):
        clip(tmp_path / f"{number}.wav", seed=number, seconds=2.0)
    server.will(
        said(good(simplified="first")),
        said(f"```json\n{good(simplified='fenced')}\n```"),
        said(good()[:-1]),
        said(good(simplified="repaired")),
        said("always broken"),
    )
    command = ["label", str(tmp_path), "--provider", "endpoint", "--model", "m", "--base-url", server.url]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "labelled: 3 clips" in told
    assert (
        "warning: 1 clips need a look; the same command tries them again:\n  3.wav: the answer cannot be used" in told
    )
    found = read_labels(tmp_path)
    assert [label.recaption["simplified"] for label in found.values() if label.recaption] == [
        "first",
        "fenced",
        "repaired",
    ]
    assert (found["3.wav"].status, found["3.wav"].answer) == ("needs_review", "always broken")
    assert set(texts(tmp_path)) == {"0_prompt.txt", "1_prompt.txt", "2_prompt.txt"}
    asked = len(server.bodies)
    server.will(said(good()))
    assert main(command) == 0
    assert len(server.bodies) == asked + 1
    assert "labelled: 1 clips, 3 had been before" in capsys.readouterr().out


def test_nothing_labelled_is_exit_code_1(server: FakeServer, tmp_path: Path) -> None:
    clip(tmp_path / "a.wav", seconds=2.0)
    server.will(said("always broken"))
    assert main(["label", str(tmp_path), "--provider", "endpoint", "--model", "m", "--base-url", server.url]) == 1
