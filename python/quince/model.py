"""Core ML models as functions of numpy arrays, with the signatures that coremltools has."""

from dataclasses import dataclass

import numpy as np

from quince import _quince
from quince._error import Error

_NUMPY = {"fp16": np.float16, "fp32": np.float32, "fp64": np.float64, "bool": np.bool_, **{
    name: np.dtype(name) for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")}}
_UNITS = ("ALL", "CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE")
_SCALARS = {"doubleType": float, "int64Type": int}


@dataclass(frozen=True)
class Feature:
    """An input, an output or a state of a function: its name, Core ML's kind of it
    ("multiArrayType", "doubleType" ...), its dtype in MIL's spelling ("fp16", "int32" ...), its
    default shape, and whether it takes other shapes, and may be left out."""

    name: str
    kind: str
    dtype: str
    shape: tuple
    is_flexible: bool
    is_optional: bool


def array_of(value):
    """What the library reads `value` from: a numpy array; without a copy where it is one already,
    or a tensor of PyTorch on the CPU."""
    detach = getattr(value, "detach", None)
    array = np.asarray(detach().cpu() if detach is not None else value)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def array_from(triple):
    """The numpy array over what the library gave: no copy."""
    dtype, shape, data = triple
    return np.frombuffer(data, dtype=_NUMPY[dtype]).reshape(shape)


def _as_core_ml(array):
    # Core ML's Python gives fp16 results as float32 (CoreMLPythonUtils.mm).
    return array.astype(np.float32) if array.dtype == np.float16 else array


class MLState:
    """The states of a model between predictions: a language model's KV cache. Made by
    `MLModel.make_state`; zero at first. One prediction at a time may use it."""

    def __init__(self, model, function):
        self._states = {f["name"]: f for f in model.functions()[function]["states"]}
        self._handle = _quince.State(model, function)

    def _feature(self, name):
        if name not in self._states:
            raise Error("invalid_argument", f'there is no state "{name}"; there are '
                        + (", ".join(self._states) or "none"), "state")
        return self._states[name]

    def read_state(self, name):
        """A copy of the state's contents; fp16 comes as float32."""
        feature = self._feature(name)
        dtype = "fp32" if feature["dtype"] == "fp16" else feature["dtype"]
        return array_from(self._handle.read(name, dtype, tuple(feature["shape"])))

    def write_state(self, name, value):
        """Replaces the state's contents. `value` has its shape; its dtype is converted."""
        self._feature(name)
        self._handle.write(name, array_of(value))


class MLModel:
    """A model of a `.mlpackage` or `.mlmodel` file. It may be shared by threads.

    Args:
        path: the model.
        compute_units: as coremltools has it, by name or as its ComputeUnit. Taken for
            compatibility: on Linux all runs on the CPU.
        function_name: which function of a multifunction model; None: its default.
        threads: 0: as many as processors that the process may use.
        precision: "exact", the default, or "fast".
    """

    def __init__(self, path, compute_units=None, function_name=None, threads=0, precision=None, cpu=None):
        units = getattr(compute_units, "name", compute_units)
        if units is not None and units not in _UNITS:
            raise Error("invalid_argument", f'compute_units "{units}"; there are {", ".join(_UNITS)}', "compute_units")
        self._model = _quince.Model(path, threads, precision, cpu)
        self._path = str(path)
        self._functions = self._model.functions()
        names = list(self._functions)
        if function_name is not None and function_name not in names:
            raise Error("invalid_argument", f'the model has no function "{function_name}"; it has {", ".join(names)}',
                        "function_name")
        self.function_name = function_name or names[0]
        self.compute_unit = units or "ALL"
        self._contexts = []  # those that no thread uses; append and pop are atomic
        self._outputs = {f.name: f for f in self.outputs}
        self._overflows = []

    def _features(self, kind):
        return tuple(Feature(**{**f, "shape": tuple(f["shape"])}) for f in self._functions[self.function_name][kind])

    @property
    def functions(self):
        """The names of the model's functions, the default first."""
        return tuple(self._functions)

    @property
    def inputs(self):
        """The function's inputs, a tuple of Feature."""
        return self._features("inputs")

    @property
    def outputs(self):
        """The function's outputs, a tuple of Feature."""
        return self._features("outputs")

    @property
    def states(self):
        """The function's states, a tuple of Feature."""
        return self._features("states")

    @property
    def input_description(self):
        """{name: Feature} of the inputs."""
        return {f.name: f for f in self.inputs}

    @property
    def output_description(self):
        """{name: Feature} of the outputs."""
        return {f.name: f for f in self.outputs}

    def make_state(self):
        """New states for `predict`, all zero."""
        return MLState(self._model, self.function_name)

    def _take(self):
        return self._contexts.pop() if self._contexts else _quince.Context(self._model, self.function_name)

    def _result(self, outputs):
        result = {}
        for name, triple in outputs.items():
            array = _as_core_ml(array_from(triple))
            scalar = _SCALARS.get(self._outputs[name].kind)
            result[name] = scalar(array.reshape(-1)[0]) if scalar is not None and array.size == 1 else array
        return result

    def _run(self, data, state, watch=False, tap=None):
        if not isinstance(data, dict):
            raise TypeError(f"data must be a dict of inputs or a list of them, not {type(data).__name__}")
        if state is not None and not isinstance(state, MLState):
            raise TypeError(f"state must be what make_state() gave, not {type(state).__name__}")
        arrays = {name: array_of(value) for name, value in data.items()}
        handle = None if state is None else state._handle
        context = self._take()
        try:
            context.watch(watch)
            outputs = context.run(arrays, handle) if tap is None else context.run_tapped(tap, arrays, handle)
            return self._result(outputs), (context.overflows() if watch else [])
        finally:
            self._contexts.append(context)

    def predict(self, data, state=None, watch=False):
        """Runs the function.

        Args:
            data: {input name: array or number}; or a list of such dicts, which gives a list of
                results.
            state: of make_state(), when the function has states; not with a list.
            watch: count results that overflow; see `overflows`.

        Returns:
            {output name: numpy array}; fp16 comes as float32, as Core ML gives it.
        """
        if isinstance(data, list):
            if state is not None:
                raise Error("invalid_argument", "a list of inputs cannot run with a state", "state")
            runs = [self._run(d, None, watch) for d in data]
            self._overflows = [row for _, rows in runs for row in rows]
            return [result for result, _ in runs]
        result, self._overflows = self._run(data, state, watch)
        return result

    @property
    def overflows(self):
        """What the last `predict(..., watch=True)` found: a list of {"operation", "op",
        "elements"}, the operations with results that are infinite or not a number although all
        their inputs were finite."""
        return self._overflows

    def taps(self, data, state=None, operations=None):
        """Runs the function and keeps what operations inside it gave.

        Args:
            operations: names of operations of the compiled program, as `plan()` lists them; None:
                all.

        Returns:
            (outputs as predict gives them, {operation: [numpy arrays]}). The compiler may have
            merged an array's dimensions: [2, 3] may come as [6].
        """
        wanted = None if operations is None else set(operations)
        kept = {}

        def tap(operation, op, results):
            if wanted is None or operation in wanted:
                kept[operation] = [array_from(r) for r in results]

        result, _ = self._run(data, state, tap=tap)
        missing = (wanted or set()) - set(kept)
        if missing:
            raise Error("invalid_argument", f"the compiled program has no operation named {', '.join(sorted(missing))}",
                        "operations")
        return result, kept

    def plan(self):
        """The text of the plan that the last prediction of this thread of work used."""
        context = self._take()
        try:
            return context.plan()
        finally:
            self._contexts.append(context)

    def __repr__(self):
        return f"quince.MLModel({self._path!r}, function_name={self.function_name!r})"
