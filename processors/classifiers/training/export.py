"""The encoder as an ONNX file: the weights of all-MiniLM-L6-v2, the upper layers fine-tuned, as int8, a node at a time.

Written out by hand rather than traced, because the graph is then exactly what we say it is: no attention mask (a window
is never padded, see encoder.py), every weight matrix symmetric int8 for each output channel, made float once when the
file is loaded, and the vectors of a middle layer beside the last: these keep the words, those the meaning.
Source of the architecture: Devlin et al., BERT, 2019; of the weights:
sentence-transformers/all-MiniLM-L6-v2, Apache-2.0.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from processors.classifiers.training.base import LOWER_LAYERS, TOKENIZER_FILES

Array = NDArray[Any]


def export(weights: Mapping[str, Array], base: Path, folder: Path, *, exact: bool = False) -> None:
    """Write `encoder.onnx` from the weights of a BERT, by their published names, and the tokenizer's files of `base`.

    The same weights give the same bytes. `exact` keeps those of the layers as they are, four times the size, to measure
    what rounding costs.
    """
    graph = _Graph(weights, json.loads((base / "config.json").read_text()), exact=exact)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph.model(), folder / "encoder.onnx")
    for name in TOKENIZER_FILES:
        shutil.copyfile(base / name, folder / name)
    _unlimit(folder / "tokenizer.json")


def _unlimit(path: Path) -> None:
    """Take out the tokenizer's own cutting and padding: windows are cut by us, and never padded."""
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokenizer["truncation"] = tokenizer["padding"] = None
    path.write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def _int8(weights: Array, axis: int) -> tuple[Array, Array]:
    # A row of nothing, as that of padding may be, has no scale of its own.
    scale = np.maximum(np.abs(weights).max(axis=axis, keepdims=True) / 127, 1e-12)
    return np.clip(np.rint(weights / scale), -127, 127).astype(np.int8), scale.astype(np.float32)


class _Graph:
    """Nodes and constants of a BERT encoder, collected in the order in which they are computed."""

    def __init__(self, weights: Mapping[str, Array], config: dict[str, Any], *, exact: bool) -> None:
        self._weights, self._config, self._exact = weights, config, exact
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._zero, self._end = self._constant("zero", np.array([0])), self._constant("end", np.array([2**62]))
        self._tokens = self._node("Shape", "input_ids")

    def model(self) -> onnx.ModelProto:
        """The whole encoder: `input_ids` [tokens] and `asked` [asked, size] to the vectors of each.

        What is asked joins after the middle layer; from there on it sees the tokens and itself, the tokens see it not.
        """
        size = self._config["hidden_size"]
        vectors = self._embedded()
        for layer in range(LOWER_LAYERS):
            vectors = self._layer(vectors, f"encoder.layer.{layer}")
        self._nodes.append(helper.make_node("Identity", [vectors], ["middle_vectors"]))
        vectors = self._node("Concat", vectors, "asked", axis=0)
        for layer in range(LOWER_LAYERS, self._config["num_hidden_layers"]):
            vectors = self._layer(vectors, f"encoder.layer.{layer}", asked=True)
        for name, part in zip(("token", "asked"), self._parts(vectors, axis=0), strict=True):
            self._nodes.append(helper.make_node("Identity", [part], [f"{name}_vectors"]))
        shapes = {"token": ["tokens", size], "middle": ["tokens", size], "asked": ["asked", size]}
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["tokens"]),
                helper.make_tensor_value_info("asked", TensorProto.FLOAT, shapes["asked"]),
            ],
            [helper.make_tensor_value_info(f"{name}_vectors", TensorProto.FLOAT, of) for name, of in shapes.items()],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        onnx.checker.check_model(model)
        return model

    def _constant(self, name: str, value: Any) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def _embedded(self) -> str:
        words, scales = _int8(self._weights["embeddings.word_embeddings.weight"], axis=1)
        rows = self._node(
            "Cast", self._node("Gather", self._constant("words", words), "input_ids"), to=TensorProto.FLOAT
        )
        word = self._node("Mul", rows, self._node("Gather", self._constant("word_scales", scales), "input_ids"))
        # Every token is of the first segment, so its vector is part of every position's.
        segment = self._weights["embeddings.token_type_embeddings.weight"][0]
        positions = self._constant("positions", self._weights["embeddings.position_embeddings.weight"] + segment)
        position = self._node("Slice", positions, self._zero, self._tokens, self._zero)
        return self._normalised(self._node("Add", word, position), "embeddings.LayerNorm")

    def _parts(self, vectors: str, axis: int) -> tuple[str, str]:
        """The tokens, and what is asked."""
        along = self._constant(f"axis_{len(self._nodes)}", np.array([axis]))
        return (
            self._node("Slice", vectors, self._zero, self._tokens, along),
            self._node("Slice", vectors, self._tokens, self._end, along),
        )

    def _layer(self, vectors: str, name: str, *, asked: bool = False) -> str:
        mixed = self._attention(vectors, f"{name}.attention.self", asked=asked)
        attended = self._linear(mixed, f"{name}.attention.output.dense")
        vectors = self._normalised(self._node("Add", attended, vectors), f"{name}.attention.output.LayerNorm")
        wide = self._node("Gelu", self._linear(vectors, f"{name}.intermediate.dense"))
        narrow = self._linear(wide, f"{name}.output.dense")
        return self._normalised(self._node("Add", narrow, vectors), f"{name}.output.LayerNorm")

    def _attention(self, vectors: str, name: str, *, asked: bool) -> str:
        heads, size = self._config["num_attention_heads"], self._config["hidden_size"]
        apart = self._constant(f"{name}.apart", np.array([0, heads, size // heads]))
        together = self._constant(f"{name}.together", np.array([-1, size]))
        scale = self._constant(f"{name}.scale", np.float32((size // heads) ** -0.5))

        def each(kind: str) -> str:
            """[heads, tokens, size of a head]."""
            rows = self._node("Reshape", self._linear(vectors, f"{name}.{kind}"), apart)
            return self._node("Transpose", rows, perm=[1, 0, 2])

        def by_key(keys: str) -> str:
            return self._node("Transpose", keys, perm=[0, 2, 1])

        query, key, value = self._node("Mul", each("query"), scale), each("key"), each("value")
        if not asked:
            scores = self._node("MatMul", query, by_key(key))
            mixed = self._node("MatMul", self._node("Softmax", scores, axis=-1), value)
        else:
            (query, asking), (key, own_key), (value, own_value) = (self._parts(one, 1) for one in (query, key, value))
            scores = self._node("MatMul", query, by_key(key))
            of_tokens = self._node("MatMul", self._node("Softmax", scores, axis=-1), value)
            last = self._constant(f"{name}.last", np.array([-1]))
            own = self._node("ReduceSum", self._node("Mul", asking, own_key), last, keepdims=1)
            shares = self._node("Concat", self._node("MatMul", asking, by_key(key)), own, axis=-1)
            shares = self._node("Softmax", shares, axis=-1)
            on_text = self._node("Slice", shares, self._zero, self._tokens, last)
            on_self = self._node("Slice", shares, self._tokens, self._end, last)
            of_asked = self._node("Add", self._node("MatMul", on_text, value), self._node("Mul", on_self, own_value))
            mixed = self._node("Concat", of_tokens, of_asked, axis=1)
        return self._node("Reshape", self._node("Transpose", mixed, perm=[1, 0, 2]), together)

    def _linear(self, vectors: str, name: str) -> str:
        matrix = self._weights[f"{name}.weight"].T
        if self._exact:
            by = self._constant(f"{name}.weight", matrix)
        else:
            weights, scales = _int8(matrix, axis=0)
            quantised, scale = self._constant(f"{name}.weight", weights), self._constant(f"{name}.scale", scales[0])
            by = self._node("DequantizeLinear", quantised, scale, axis=1)
        product = self._node("MatMul", vectors, by)
        return self._node("Add", product, self._constant(f"{name}.bias", self._weights[f"{name}.bias"]))

    def _normalised(self, vectors: str, name: str) -> str:
        gain = self._constant(f"{name}.gain", self._weights[f"{name}.weight"])
        bias = self._constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return self._node("LayerNormalization", vectors, gain, bias, epsilon=self._config["layer_norm_eps"])
