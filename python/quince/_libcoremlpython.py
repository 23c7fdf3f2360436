"""What coremltools looks for in `coremltools.libcoremlpython`, over quince.

On a Mac coremltools brings this module; its wheels for other systems lack it. The names and
signatures are those of coremlpython/CoreMLPython.mm. What quince does not do yet raises
NotImplementedError with its name. `quince.coremltools` puts the module in its place.
"""

import atexit
import os
import shutil
import tempfile
import time


from quince._error import Error
from quince.model import MLModel, MLState, array_of

_NEWEST_SPECIFICATION = 10  # iOS26


def _not_yet(name):
    def raises(*_args, **_kwargs):
        raise NotImplementedError(f"quince does not do {name} yet")

    raises.__name__ = name
    return staticmethod(raises)


class _MLCPUComputeDeviceProxy:
    pass


class _MLGPUComputeDeviceProxy:
    pass


class _MLNeuralEngineComputeDeviceProxy:
    def get_total_core_count(self):
        return 0


class _MLComputePlanProxy:
    pass


class _MLModelStructureProgramOperationProxy:
    pass


class _MLModelAssetProxy:
    """A model as a path; of a model in memory, a temporary package."""

    def __init__(self, path):
        self.path = path


class _State:
    def __init__(self, state):
        self.state = state

    def read_state(self, name):
        return self.state.read_state(name)

    def write_state(self, name, value):
        self.state.write_state(name, value)


def _value(feature, value):
    """Core ML takes a plain number for a double or int64 feature, whose tensor has one element."""
    array = array_of(value)
    if feature is not None and feature.kind in ("doubleType", "int64Type") and array.size == 1:
        return array.reshape(feature.shape)
    if array.dtype == object:
        raise Error("invalid_argument", f"the values are of {type(value).__name__}; numbers are taken",
                    feature.name if feature is not None else "")
    return array


def _package_of(spec_data, blobs):
    # A folder that Core ML's own tools would read as well: the model, its weights, the manifest.
    import json
    import uuid

    folder = tempfile.mkdtemp(suffix=".mlpackage")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    model, weights = str(uuid.uuid4()).upper(), str(uuid.uuid4()).upper()
    items = {model: {"author": "com.apple.CoreML", "description": "CoreML Model Specification",
                     "name": "model.mlmodel", "path": "com.apple.CoreML/model.mlmodel"},
             weights: {"author": "com.apple.CoreML", "description": "CoreML Model Weights",
                       "name": "weights", "path": "com.apple.CoreML/weights"}}
    inside = os.path.join(folder, "Data", "com.apple.CoreML")
    os.makedirs(os.path.join(inside, "weights"))
    with open(os.path.join(inside, "model.mlmodel"), "wb") as file:
        file.write(bytes(spec_data))
    for name, data in blobs.items():
        with open(os.path.join(inside, "weights", os.path.basename(name)), "wb") as file:
            file.write(bytes(data))
    with open(os.path.join(folder, "Manifest.json"), "w") as file:
        json.dump({"fileFormatVersion": "1.0.0", "itemInfoEntries": items, "rootModelIdentifier": model}, file)
    return folder


class _MLModelProxy:
    """One loaded model."""

    def __init__(self, path, compute_units="ALL", function_name="", optimization_hints=None, asset=None):
        start = time.perf_counter_ns()
        self._path = asset.path if asset is not None else os.fspath(path)
        self._model = MLModel(self._path, compute_units, function_name or None)
        self._inputs = self._model.input_description
        self._hints = optimization_hints
        self._loading = time.perf_counter_ns() - start
        self._predicting = None

    def _inputs_of(self, data):
        return {name: _value(self._inputs.get(name), value) for name, value in data.items()}

    def predict(self, data, state=None):
        start = time.perf_counter_ns()
        result = self._run(self._inputs_of(data), None if state is None else state.state)
        self._predicting = time.perf_counter_ns() - start
        return result

    def batchPredict(self, batch):
        start = time.perf_counter_ns()
        results = self._run([self._inputs_of(data) for data in batch])
        self._predicting = time.perf_counter_ns() - start
        return results

    def _run(self, data, state=None):
        try:
            return self._model.predict(data, state)
        except Error as error:  # begins as Core ML's own message does, which callers look for
            raise Error(error.status, f"Unable to compute the prediction using ML Program. {error.message}",
                        error.where) from error

    def newState(self):
        return _State(self._model.make_state())

    def get_compiled_model_path(self):
        """The package itself: quince compiles in memory, and opens the package wherever a compiled
        model is asked for."""
        return self._path

    def get_load_duration_in_nano_seconds(self):
        return self._loading

    def get_last_predict_duration_in_nano_seconds(self):
        return self._predicting

    @staticmethod
    def maximum_supported_specification_version():
        return _NEWEST_SPECIFICATION

    @staticmethod
    def create_model_asset_from_path(path):
        from coremltools.models.model import MLModelAsset

        if not os.path.exists(path):
            raise Error("io", "there is no such file", str(path))
        return MLModelAsset(_MLModelAssetProxy(path))

    @staticmethod
    def create_model_asset_from_memory(spec_data, blob_mapping):
        from coremltools.models.model import MLModelAsset

        return MLModelAsset(_MLModelAssetProxy(_package_of(spec_data, blob_mapping)))

    @staticmethod
    def get_available_compute_devices():
        from coremltools.models.compute_device import MLCPUComputeDevice

        return [MLCPUComputeDevice(_MLCPUComputeDeviceProxy())]

    get_all_compute_devices = get_available_compute_devices
    auto_set_specification_version = _not_yet("auto_set_specification_version")
    compileModel = _not_yet("compileModel (coremltools.models.utils.compile_model)")
    get_compute_plan = _not_yet("get_compute_plan (MLComputePlan)")
    get_model_structure = _not_yet("get_model_structure (MLModelStructure)")
