"""Small ONNX files with the inputs and outputs of the two published ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def semantic(file: Path, *, top: float, every: int = 4) -> Path:
    """Codes that grow with the level of every fourth mel frame; the length is an input, as in the published file."""
    nodes = [
        ("ReduceMean", ["feats"], ["level"], {"axes": [1], "keepdims": 0}),
        ("Slice", ["level", "start", "feats_length", "axis", "step"], ["fewer"], {}),
        ("Clip", ["fewer", "low", "high"], ["clipped"], {}),
        ("Mul", ["clipped", "top"], ["scaled"], {}),
        ("Cast", ["scaled"], ["indices"], {"to": 6}),
    ]
    constants = {
        **{"start": np.array([0], np.int32), "axis": np.array([1], np.int32), "step": np.array([every], np.int32)},
        **{"low": np.float32(0), "high": np.float32(1), "top": np.float32(top)},
    }
    inputs = [("feats", "f", [1, 128, "T"]), ("feats_length", "i", [1])]
    return _saved(file, nodes, inputs, ("indices", "i", [1, "L"]), constants)


def speaker(file: Path, *, width: int) -> tuple[Path, np.ndarray]:
    """Root mean square of the features per bin, projected; the file and the projection."""
    weights = np.random.default_rng(0).standard_normal((80, width)).astype(np.float32)
    nodes = [
        ("Mul", ["input", "input"], ["square"], {}),
        ("ReduceMean", ["square"], ["mean"], {"axes": [1], "keepdims": 0}),
        ("Sqrt", ["mean"], ["deviation"], {}),
        ("MatMul", ["deviation", "weights"], ["output"], {}),
    ]
    inputs, output = [("input", "f", ["B", "T", 80])], ("output", "f", ["B", width])
    return _saved(file, nodes, inputs, output, {"weights": weights}), weights


def _saved(file, nodes, inputs, output, constants) -> Path:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kinds = {"f": TensorProto.FLOAT, "i": TensorProto.INT32}
    values = [helper.make_tensor_value_info(name, kinds[kind], shape) for name, kind, shape in (*inputs, output)]
    graph = helper.make_graph(
        [helper.make_node(kind, ins, outs, **more) for kind, ins, outs, more in nodes],
        "small",
        values[:-1],
        values[-1:],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)
    return file
