"""The held-out part of a replay set: some of every edit type, and none of what the user's clips hold."""

from __future__ import annotations

from collections import Counter

from tunesmith.data.replay_split import split_replay
from tunesmith.data.sample import AudioRef, Sample


def sample(
    name: str, kind: str = "vad", *, source: str = "", path: str = "", split=None, replay: bool = True
) -> Sample:
    ref = AudioRef(path or f"/{name}", duration=2.0)
    return Sample(name, {"audio": ref}, {}, {"edit_type": kind, "replay": replay}, source=source or name, split=split)


def mine(name: str, split: str, path: str = "") -> Sample:
    return sample(name, "clone", split=split, path=path, replay=False)


def parted(samples, own=(), similar=(), share=0.1, seed=1):
    done = split_replay(samples, own, similar, valid_share=share, seed=seed)
    return done, {s.id for s in done.samples if s.split == "valid"}


def test_every_edit_type_with_two_samples_has_one_held_out_and_one_to_train_on():
    samples = [sample(f"{kind}{n}", kind) for kind in ("vad", "denoise", "speed") for n in range(2)]
    samples += [sample(f"style{n}", "style") for n in range(30)] + [sample("emotion0", "emotion")]
    done, held = parted(samples)
    assert Counter(s.attributes["edit_type"] for s in done.samples if s.id in held) == {
        "vad": 1,
        "denoise": 1,
        "speed": 1,
        "style": 3,
    }
    assert all(s.split for s in done.samples) and parted(samples[::-1])[1] == held
    assert parted(samples, seed=2)[1] != held
    assert [str(note) for note in done.notes] == [
        "No replay clip of emotion can be held out, so its held-out loss says nothing of what is lost there."
    ]


def test_edits_of_one_source_stay_together():
    samples = [sample(f"{kind}{n}", kind, source=f"s{n}") for n in range(5) for kind in ("vad", "speed")]
    _, held = parted(samples)
    assert len(held) == 2 and len({name[-1] for name in held}) == 1
    assert parted([sample(f"{n}", source="one") for n in range(3)])[1] == set(), "one must be left to train on"


def test_what_the_user_has_stands_on_the_users_side():
    own = [mine("a", "train"), mine("b", "valid"), mine("c", "train", "/song"), mine("c@1-2s", "valid", "/song")]
    samples = [sample("same file", path="/b"), *(sample(f"x{n}", source="x") for n in range(2)), sample("of c")]
    samples += [sample("like a"), sample("free0"), sample("free1")]
    pairs = [("b", "x0"), ("like a", "a"), ("c", "of c")]
    done, held = parted(samples, own, pairs)
    assert held - {"free0", "free1"} == {"same file", "x0", "x1"}
    assert "like a" not in held and "of c" not in {s.id for s in done.samples}
    (finding,) = done.findings
    assert (finding.clip, finding.level) == ("of c", "error") and "(c and c@1-2s)" in str(finding.message)


def test_a_split_of_its_own_is_kept_and_none_is_made_where_none_is_wished():
    samples = [sample("a"), sample("b", split="valid"), *(sample(f"c{n}") for n in range(40))]
    assert parted(samples)[1] == {"b"}
    assert parted([sample("a"), sample("b")], share=0.0)[1] == set()
