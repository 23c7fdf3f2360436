import pathlib

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKER = ROOT / "examples" / "models" / "worker"


def save(program, path, target="iOS18", **options):
    import coremltools as ct
    model = ct.convert(program, convert_to="mlprogram", minimum_deployment_target=getattr(ct.target, target),
                       skip_model_load=True, **options)
    model.save(str(path))
    return path


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """Small packages that coremltools writes: {name: path}."""
    pytest.importorskip("coremltools")
    import coremltools as ct
    from coremltools import target
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.mil import get_new_symbol, types
    folder = tmp_path_factory.mktemp("packages")

    @mb.program(input_specs=[mb.TensorSpec((2, 3)), mb.TensorSpec((2, 3))], opset_version=target.iOS18)
    def affine(x, y):
        return mb.add(x=mb.mul(x=x, y=np.float32(2), name="twice"), y=y, name="sum")

    @mb.program(input_specs=[mb.TensorSpec((4,), dtype=types.fp16),
                             mb.StateTensorSpec((4,), dtype=types.fp16)], opset_version=target.iOS18)
    def counter(x, total):
        new = mb.add(x=mb.read_state(input=total), y=x)
        return mb.identity(x=mb.coreml_update_state(state=total, value=new), name="y")

    @mb.program(input_specs=[mb.TensorSpec((3,), dtype=types.fp16)], opset_version=target.iOS18)
    def overflow(x):
        return mb.add(x=mb.mul(x=x, y=x, name="square"), y=np.float16(1), name="y")

    @mb.program(input_specs=[mb.TensorSpec((get_new_symbol(),), dtype=types.int32)], opset_version=target.iOS16)
    def filled(shape):
        return mb.mul(x=mb.fill(shape=shape, value=np.float32(1.5)), y=np.float32(2), name="y")

    lengths = [ct.TensorType(name="shape", shape=(ct.RangeDim(1, 3),), dtype=np.int32)]
    return {"filled": save(filled, folder / "filled.mlpackage", target="iOS16", inputs=lengths), "affine": save(affine, folder / "affine.mlpackage"), "counter": save(counter, folder / "counter.mlpackage"),
            "overflow": save(overflow, folder / "overflow.mlpackage")}


@pytest.fixture(scope="session")
def worker():
    import quince
    return quince.LanguageModel(WORKER, threads=2)
