"""The drop-in: coremltools' own classes, here. Each way to import runs in a process of its own."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("coremltools")

USE = """
model = ct.models.MLModel(paths["affine"])
x = np.arange(6, dtype=np.float32).reshape(2, 3)
out = model.predict({"x": x, "y": np.ones((2, 3), np.float16)})
assert np.array_equal(out["sum"], 2 * x + 1), out
assert len(model.predict([{"x": x, "y": x}] * 3)) == 3
assert model.load_duration_in_nano_seconds > 0 and model.last_predict_duration_in_nano_seconds > 0
counter = ct.models.MLModel(paths["counter"])
state = counter.make_state()
for i in range(3):
    y = counter.predict({"x": np.ones(4)}, state=state)["y"]
assert y.dtype == np.float32 and (y == 3).all() and (state.read_state("total") == 3).all()
state.write_state("total", np.full(4, 7.0))
assert (counter.predict({"x": np.ones(4)}, state)["y"] == 8).all()
compiled = ct.models.CompiledMLModel(model.get_compiled_model_path())
assert np.array_equal(compiled.predict({"x": x, "y": x})["sum"], 3 * x)
spec = model.get_spec()
asset = ct.models.model.MLModelAsset.from_memory(spec.SerializeToString(), {})
assert np.array_equal(ct.models.CompiledMLModel.from_asset(asset).predict({"x": x, "y": x})["sum"], 3 * x)
devices = ct.models.MLModel.get_available_compute_devices()
assert [type(d).__name__ for d in devices] == ["MLCPUComputeDevice"]
try:
    ct.models.MLModel(paths["counter"]).predict({"x": np.ones(4)})
    raise SystemExit("a stateful model ran without a state")
except RuntimeError as e:
    assert "state" in str(e), e
try:
    ct.models.compute_plan.MLComputePlan.load_from_path(paths["affine"])
    raise SystemExit("there is no compute plan yet")
except NotImplementedError as e:
    assert "get_compute_plan" in str(e)
print("all right")
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="Core ML itself is there")
@pytest.mark.parametrize("imports", ["import quince.coremltools\nimport coremltools as ct",
                                     "import coremltools as ct\nimport quince.coremltools"])
def test_coremltools_predicts(packages, imports):
    paths = {name: str(path) for name, path in packages.items()}
    code = f"{imports}\nimport numpy as np\nimport coremltools.models.compute_plan\npaths = {paths!r}\n{USE}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "all right" in done.stdout, done.stderr

