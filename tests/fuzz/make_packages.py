#!/usr/bin/env python3
"""Writes the seeds of fuzz_package: small ML Programs, made with coremltools, one file each.

A seed is the length of the model's protobuf (4 bytes, little endian), the protobuf, and the weight file.

    python tests/fuzz/make_packages.py tests/fuzz/corpus/fuzz_package
"""
import pathlib
import struct
import sys
import tempfile

import coremltools as ct
import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types

FP16, INT = types.fp16, types.int32


def write(folder, name, program, states=None):
    model = ct.convert(program, convert_to="mlprogram", skip_model_load=True, compute_precision=ct.precision.FLOAT16,
                       minimum_deployment_target=ct.target.iOS18, pass_pipeline=ct.PassPipeline.EMPTY)
    with tempfile.TemporaryDirectory() as scratch:
        package = pathlib.Path(scratch) / "m.mlpackage"
        model.save(str(package))
        data = package / "Data" / "com.apple.CoreML"
        spec = (data / "model.mlmodel").read_bytes()
        weights = data / "weights" / "weight.bin"
        blob = weights.read_bytes() if weights.exists() else b""
    (folder / f"{name}.bin").write_bytes(struct.pack("<I", len(spec)) + spec + blob)


def programs():
    rng = np.random.default_rng(1)

    @mb.program(input_specs=[mb.TensorSpec((2, 3), dtype=FP16)], opset_version=ct.target.iOS18)
    def elementwise(x):
        y = mb.add(x=mb.mul(x=x, y=np.float16(2)), y=np.float16([1, 2, 3]))
        return mb.softmax(x=mb.gelu(x=y, mode="EXACT"), axis=-1)
    yield "elementwise", elementwise

    @mb.program(input_specs=[mb.TensorSpec((2, 40), dtype=FP16)], opset_version=ct.target.iOS18)
    def linear(x):
        w = rng.standard_normal((24, 40)).astype(np.float16)
        return mb.layer_norm(x=mb.linear(x=x, weight=w), axes=[-1])
    yield "linear", linear

    @mb.program(input_specs=[mb.TensorSpec((2, 32), dtype=FP16)], opset_version=ct.target.iOS18)
    def compressed(x):
        w = mb.constexpr_blockwise_shift_scale(data=rng.integers(-8, 8, (48, 32)).astype(np.int8),
                                               scale=rng.random((48, 2)).astype(np.float16))
        return mb.linear(x=x, weight=w)
    yield "compressed", compressed

    @mb.program(input_specs=[mb.TensorSpec((4, 3, 2), dtype=FP16)], opset_version=ct.target.iOS18)
    def shapes(x):
        y = mb.transpose(x=mb.reshape(x=x, shape=[2, -1, 3]), perm=[2, 0, 1])
        a, b = mb.split(x=y, num_splits=2, axis=1)
        z = mb.concat(values=[b, a], axis=2)
        z = mb.slice_by_index(x=z, begin=[0, 0, 1], end=[3, 1, 5], stride=[1, 1, 2])
        return mb.tile(x=mb.squeeze(x=z, axes=[1]), reps=[2, 1])
    yield "shapes", shapes

    @mb.program(input_specs=[mb.TensorSpec((5, 3), dtype=FP16), mb.TensorSpec((4,), dtype=INT)],
                opset_version=ct.target.iOS18)
    def gather(x, i):
        y = mb.gather(x=x, indices=i, axis=0)
        return mb.scatter(data=x, indices=i, updates=y, axis=0, mode="add")
    yield "gather", gather

    @mb.program(input_specs=[mb.TensorSpec((1, 2, 3, 8), dtype=FP16), mb.TensorSpec((1, 2, 5, 8), dtype=FP16)],
                opset_version=ct.target.iOS18)
    def attention(q, k):
        return mb.scaled_dot_product_attention(query=q, key=k, value=k)
    yield "attention", attention

    @mb.program(input_specs=[mb.TensorSpec((3, 4), dtype=FP16)], opset_version=ct.target.iOS18)
    def search(x):
        v, i = mb.topk(x=x, k=2, axis=1)
        n = mb.reduce_mean(x=mb.cumsum(x=x, axis=0), axes=[1], keep_dims=True)
        return v, i, n, mb.pad(x=x, pad=[1, 1, 0, 2], mode="constant", constant_val=np.float16(1))
    yield "search", search

    @mb.program(input_specs=[mb.StateTensorSpec((2, 4), dtype=FP16), mb.TensorSpec((1, 4), dtype=FP16)],
                opset_version=ct.target.iOS18)
    def state(s, x):
        old = mb.read_state(input=s)
        new = mb.slice_update(x=old, update=x, begin=[0, 0], end=[1, 4])
        return mb.mul(x=mb.coreml_update_state(state=s, value=new), y=np.float16(2))
    yield "state", state


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, program in programs():
        write(folder, name, program)


if __name__ == "__main__":
    main()
