"""Makes coremltools' own MLModel.predict, make_state and CompiledMLModel work on this machine.

    import quince.coremltools            # before or after the next line
    import coremltools as ct
    ct.models.MLModel("model.mlpackage").predict({"x": x})

On a Mac it leaves coremltools with Core ML as it is.
"""

import importlib
import sys

from quince import _libcoremlpython

_PROVIDES = [name for name in vars(_libcoremlpython) if name.startswith(("_ML", "_State"))]
# What coremltools asks about the platform before it tries: predict, make_state and
# CompiledMLModel refuse below these versions of macOS.
_GATES = {"_is_macos": lambda: True, "_macos_version": lambda: (26, 0)}
_BINDS = ("models.model", "models._compiled_model", "models.compute_plan", "models.compute_device",
          "models.ml_program.experimental.compute_plan_utils")
_GATED = ("models.model", "models._compiled_model")


def _install():
    sys.modules["coremltools.libcoremlpython"] = _libcoremlpython
    coremltools = importlib.import_module("coremltools")
    coremltools.libcoremlpython = _libcoremlpython
    # Modules that were imported earlier have bound None in the place of the missing classes.
    for name in _BINDS:
        module = sys.modules.get("coremltools." + name)
        for provided in _PROVIDES:
            if module is not None and getattr(module, provided, 0) is None:
                setattr(module, provided, getattr(_libcoremlpython, provided))
    for name in _GATED:
        vars(importlib.import_module("coremltools." + name)).update(_GATES)


if sys.platform != "darwin":
    _install()
