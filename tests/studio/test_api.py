"""What the API answers: of whole runs, of broken ones, of jobs and of sounds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.studio.conftest import QUIET, end_all, last_update, until
from tests.studio.server import Server, serving
from tunesmith.files import write_json
from tunesmith.records.metrics import EventLine, PreviewLine, TrainLine, ValidLine
from tunesmith.studio.jobs.start import JobFolder
from tunesmith.studio.media import MediaIds
from tunesmith.texts import msg

SCARY = "<img src=x onerror=alert(1)>"


def train_line(update: int, loss: float = 1.0) -> TrainLine:
    return TrainLine(
        update=update, loss=loss, learning_rate=1e-4, grad_norm=1.0, tokens=1, skipped=0, tokens_per_second=1.0
    )


def write_lines(run: Path, lines, mode: str = "w") -> None:
    import json

    run.mkdir(parents=True, exist_ok=True)
    with (run / "metrics.jsonl").open(mode, encoding="utf-8") as file:
        file.writelines(json.dumps(line.to_json()) + "\n" for line in lines)


@pytest.fixture
def server(runs: Path):
    with serving(runs.parent) as found:
        yield found
    end_all(JobFolder(runs))


def row(server: Server, name: str) -> dict:
    return next(run for run in server.get("/api/runs").json["runs"] if run["name"] == name)


def test_a_run_that_waits_for_training(server):
    one = row(server, "one")
    assert (one["family"], one["base"], one["problem"]) == ("musicgen", "pocket", None)
    assert [stage["status"] for stage in one["stages"]] == ["done", "done", "none", "none", "none", "none"]
    assert (one["stage"], one["best_loss"], one["writer"], one["job"]) == ("encode", None, None, None)
    assert server.get("/api/runs/one").json == one


def test_sentences_are_in_the_language_that_is_asked_for(server):
    assert "没有" in server.get("/api/runs/none?language=zh").json["error"]
    assert "没有" in server.get("/api/runs/none", accept_language="fr, zh-CN;q=0.8").json["error"]
    assert "there is no run `none`" in server.get("/api/runs/none", accept_language="en").json["error"]


BROKEN = {
    "no yaml": lambda run: (run / "recipe.yaml").write_text("model: {path: ["),
    "no mapping": lambda run: (run / "recipe.yaml").write_text("- 1"),
    "nothing": lambda run: None,
    "no utf-8": lambda run: (run / "recipe.yaml").write_bytes(b"\xff\xfe\xfa"),
    "torn stage": lambda run: [(run / "stages").mkdir(), (run / "stages" / "train.json").write_text('{"stage"')],
    "later stage": lambda run: write_json(run / "stages" / "train.json", {"format": 99}),
    "wrong comparison": lambda run: write_json(run / "evaluation" / "comparison_results.json", {"format": 1}),
    "folders for files": lambda run: [(run / name).mkdir() for name in ("recipe.yaml", "metrics.jsonl")],
    "wrong types": lambda run: (run / "recipe.yaml").write_text("model: 5\ntrain: [1]\n"),
    "deep": lambda run: (run / "recipe.yaml").write_text("a: " + "[" * 3000),
    "torn metrics": lambda run: (run / "metrics.jsonl").write_bytes(b'\x00\xff{"kind"\n[[[\n{"kind": "train", "upd'),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_folder_is_a_row_and_never_a_500(tmp_path_factory, broken_server, kind):
    run = broken_server.root / "runs" / kind
    run.mkdir()
    BROKEN[kind](run)
    found = row(broken_server, kind)
    assert found["problem"] or kind in ("wrong types", "torn metrics")
    name = kind.replace(" ", "%20")
    for path in ("", "/follow", "/log"):
        assert broken_server.get(f"/api/runs/{name}{path}").status in (200, 400), path
    assert broken_server.get(f"/runs/{name}").status == 200


@pytest.fixture(scope="module")
def broken_server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("broken")) as found:
        yield found


def test_a_course_is_thinned_and_followed_without_lost_or_doubled_points(server, runs):
    run = runs / "one"
    peak = train_line(7_001, 99.0)
    write_lines(run, [*(train_line(n, 1 + 1 / n) for n in range(1, 20_001) if n != 7_001), peak])
    first = server.get("/api/runs/one/follow")
    points = first.json["curves"]["train"]
    assert len(points) <= 400 and [7_001, 99.0] in points and points[0][0] == 1 and points[-1][0] == 20_000
    assert len(first.body) < 30_000 and not first.json["more"]
    nothing = server.get(f"/api/runs/one/follow?after={first.json['at']}&mark={first.json['mark']}")
    assert nothing.json["curves"] == {} and not nothing.json["restarted"] and len(nothing.body) < 2_000
    write_lines(run, [train_line(20_001), ValidLine(update=20_001, loss=0.5, forgetting=2.0, best=True)], "a")
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "update": 20002')  # not whole yet
    news = server.get(f"/api/runs/one/follow?after={first.json['at']}&mark={first.json['mark']}").json
    assert news["curves"] == {
        "train": [[20_001, 1.0]],
        "valid": [[20_001, 0.5]],
        "forgetting": [[20_001, 2.0]],
        "rate": [[20_001, 0.0001]],
    }
    assert (news["run"]["best_update"], news["run"]["best_loss"]) == (20_001, 0.5)


@pytest.mark.parametrize("count", [2, 500])
def test_a_file_that_was_written_anew_is_told_whatever_its_length(server, runs, count):
    write_lines(runs / "one", [train_line(n) for n in range(1, 101)])
    before = server.get("/api/runs/one/follow").json
    write_lines(runs / "one", [train_line(n, 2.0) for n in range(1, count)])
    after = server.get(f"/api/runs/one/follow?after={before['at']}&mark={before['mark']}").json
    assert after["restarted"] and after["curves"]["train"][0] == [1, 2.0]


def test_what_was_vetoed_is_not_the_best(server, runs):
    lines = [
        ValidLine(update=5, loss=2.0, best=True),
        ValidLine(update=10, loss=1.0, best=True),
        EventLine(update=12, name="vetoed", message=msg("{updates} updates done", updates=12), about=10),
    ]
    write_lines(runs / "one", lines)
    assert row(server, "one")["best_update"] == 5
    event = server.get("/api/runs/one/follow?language=zh").json["events"][0]
    assert event["name"] == "vetoed" and "12" in event["sentence"] and "updates" not in event["sentence"]


def test_previews_are_heard_by_ids_and_in_ranges(server, runs):
    run = runs / "one"
    (run / "previews").mkdir(exist_ok=True)
    sound = os.urandom(5000)
    (run / "previews" / "00.wav").write_bytes(sound)
    (runs.parent / "secret.wav").write_bytes(b"secret")
    (run / "link.wav").symlink_to(runs.parent / "secret.wav")
    (runs / ".studio" / "x.wav").write_bytes(b"secret")
    files = ["previews/00.wav", "previews/01.wav", "../../secret.wav", "link.wav", "../.studio/x.wav", "recipe.yaml"]
    write_lines(
        run, [PreviewLine(update=0, index=i, prompt="p", seed=1, file=f, signals={}) for i, f in enumerate(files)]
    )
    previews = server.get("/api/runs/one/follow").json["previews"]
    assert [bool(preview["media"]) for preview in previews] == [True, False, False, False, False, False]
    path = f"/media/{previews[0]['media']}"
    whole, part = server.get(path), server.get(path, range="bytes=100-199")
    assert (whole.status, whole.body, whole.headers["content-type"]) == (200, sound, "audio/wav")
    assert (part.status, part.body, part.headers["content-range"]) == (206, sound[100:200], "bytes 100-199/5000")
    assert "00.wav" not in path and "previews" not in path
    (run / "previews" / "00.wav").unlink()
    assert server.get(path).status == 404


@pytest.mark.parametrize("media", ["", "x", "AAAA", "../token", "..%2f..%2ftoken", "%00", "A" * 300, "é"])
def test_ids_that_the_server_did_not_make_name_nothing(broken_server, media):
    from urllib.parse import quote

    assert broken_server.get(f"/media/{quote(media, safe='%./')}").status == 404


def test_an_id_is_good_for_its_own_key_and_roots_alone(tmp_path):
    inside, outside = tmp_path / "runs" / "a.wav", tmp_path / "b.wav"
    inside.parent.mkdir()
    for path in (inside, outside):
        path.write_bytes(b"x")
    ids = MediaIds("key", (tmp_path / "runs",))
    media = ids.id_of(inside)
    assert ids.path_of(media) == inside.resolve() and MediaIds("key", (tmp_path / "runs",)).id_of(inside) == media
    assert ids.id_of(outside) is None and ids.id_of(tmp_path / "runs") is None
    elsewhere = MediaIds("key", (tmp_path,)).id_of(outside)
    for other, name in ((MediaIds("other", (tmp_path,)), media), (ids, elsewhere), (ids, media[:-3] + "AAA")):
        with pytest.raises(Exception, match="no such sound"):
            other.path_of(name)


def test_a_job_by_the_api_from_its_start_to_its_log(server, runs):
    (runs / "one").rename(runs / SCARY)
    body = {"verb": "train", "run": SCARY, "overrides": [*QUIET, "train.updates=4000", "train.log_every=1"]}
    started = server.post("/api/jobs", body)
    assert started.status == 201, started.body
    job = started.json
    assert job["command"].startswith(f"tunesmith train 'runs/{SCARY}' ") and job["overrides"] == body["overrides"]
    second = server.post("/api/jobs", {"verb": "report", "run": SCARY}).json
    until(lambda: last_update(runs, SCARY) >= 2)
    found = row(server, SCARY)
    assert found["job"]["state"] == "running" and found["writer"]["command"].startswith("tunesmith train")
    assert (found["stage"], found["stages"][2]["status"]) == ("train", "running") and found["share"] > 0
    assert {job["id"]: job["state"] for job in server.get("/api/jobs").json["jobs"]}[second["id"]] == "queued"
    assert server.post(f"/api/jobs/{second['id']}/stop", {}).json["state"] in ("queued", "cancelled")
    assert server.post(f"/api/jobs/{job['id']}/stop", {"at_once": True}).status == 409
    assert server.post(f"/api/jobs/{job['id']}/stop", {}).json["state"] in ("stopping", "stopped")
    until(lambda: row(server, SCARY)["job"]["state"] in ("stopped", "cancelled"))
    over = {job["id"]: job for job in server.get("/api/jobs").json["jobs"]}[job["id"]]
    assert (over["state"], over["code"]) == ("stopped", 143) and "as asked" in over["end"]
    log = server.get(f"/api/jobs/{job['id']}/log").json
    assert "saved" in log["text"]
    assert server.get(f"/api/jobs/{job['id']}/log?after={log['at']}").json["text"] == ""
    assert server.post(f"/api/jobs/{job['id']}/stop", {}).status == 409
    assert row(server, SCARY)["can_continue"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"verb": "shell", "run": "one"}, 422),
        ({"verb": "train", "run": "../one"}, 404),
        ({"verb": "train", "run": "none"}, 404),
        ({"verb": "train", "run": "one", "overrides": ["--force"]}, 400),
        ({"verb": "train", "run": "one", "flags": ["debug"]}, 422),
        ({"verb": "report", "run": "one", "flags": ["force"]}, 400),
        ({"verb": "train", "run": "one", "overrides": "x"}, 422),
        ({"verb": "train", "run": "one", "overrides": ["a=b"] * 101}, 422),
        ([], 422),
        (b"{", 422),
    ],
)
def test_what_cannot_be_a_job_is_refused_with_a_sentence(server, body, status):
    reply = server.post("/api/jobs", body)
    assert reply.status == status and reply.json["error"]
    assert server.get("/api/jobs").json == {"jobs": []}


def test_a_training_of_a_terminal_is_shown_as_well(server, runs):
    words = ["train", "runs/one", *QUIET, "train.updates=4000", "train.log_every=1"]
    command = [sys.executable, "-m", "tunesmith", *words]
    with subprocess.Popen(command, cwd=runs.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: last_update(runs) >= 1)
        one = row(server, "one")
        assert one["job"] is None and one["writer"]["pid"] == process.pid
        assert one["stages"][2]["status"] == "running" and one["update"] >= 1
        process.kill()
        process.wait()
        one = row(server, "one")
        assert one["writer"] is None and one["stages"][2]["status"] == "lost" and one["can_continue"]


def test_the_api_documents_itself(server):
    paths = server.get("/api/openapi.json").json["paths"]
    assert {"/api/runs", "/api/runs/{name}", "/api/runs/{name}/follow", "/api/jobs", "/media/{media}"} <= set(paths)
    answer = paths["/api/runs"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/RunsAnswer"}


def test_the_server_never_imports_torch_nor_numpy(runs):
    code = """
import sys
from pathlib import Path
from tunesmith.studio.app import make_app
from tunesmith.studio.api.rows import run_answer
from tunesmith.studio.guard import Door
app = make_app(Path("runs"), Door("t", 1))
for run in app.state.studio.shelf.all():
    run_answer(run, None, "en")
import tunesmith.cli.main, tunesmith.studio.serve, uvicorn
print({"torch", "numpy", "transformers", "matplotlib"} & set(sys.modules))
"""
    words = [sys.executable, "-c", code]
    assert subprocess.run(words, cwd=runs.parent, capture_output=True, text=True, check=True).stdout == "set()\n"


def test_logs_are_followed_by_bytes_and_never_cut_within_a_letter(tmp_path):
    from tunesmith.studio.reading.tail import read_text

    path = tmp_path / "x.log"
    assert read_text(path).text == "" and read_text(path, 5).restarted
    path.write_bytes("一行\n".encode() + "二".encode()[:2])
    first = read_text(path)
    assert first.text == "一行\n" and first.at == 7
    path.write_bytes("一行\n二行\n".encode())
    assert read_text(path, first.at).text == "二行\n"
    path.write_bytes(b"short\n")
    assert read_text(path, first.at).restarted
    path.write_bytes(b"".join(b"line %d\n" % n for n in range(10_000)))
    tail = read_text(path)
    assert len(tail.text) <= 32_000 and tail.text.startswith("line ") and tail.text.endswith("line 9999\n")
    assert shutil.which("sh") is None or tail.at == path.stat().st_size
