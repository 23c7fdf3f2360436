import threading

import numpy as np
import pytest

import quince

X = np.arange(6, dtype=np.float32).reshape(2, 3)
Y = np.ones((2, 3), np.float32)


def test_predict_gives_arrays(packages):
    model = quince.MLModel(packages["affine"])
    out = model.predict({"x": X, "y": Y})
    assert out["sum"].dtype == np.float32
    np.testing.assert_array_equal(out["sum"], 2 * X + Y)


def test_inputs_may_have_any_layout_and_dtype(packages):
    model = quince.MLModel(packages["affine"])
    wide = np.arange(36, dtype=np.float64).reshape(6, 6)
    out = model.predict({"x": wide[::3, 4::-2], "y": Y.astype(">i4")})
    np.testing.assert_array_equal(out["sum"], 2 * wide[::3, 4::-2] + 1)
    out = model.predict({"x": X.T.copy().T, "y": Y.tolist()})
    np.testing.assert_array_equal(out["sum"], 2 * X + 1)


def test_a_list_gives_a_list(packages):
    model = quince.MLModel(packages["affine"])
    outs = model.predict([{"x": X * i, "y": Y} for i in range(3)])
    assert [o["sum"][1, 2] for o in outs] == [1, 11, 21]
    with pytest.raises(quince.Error, match="list"):
        model.predict([{"x": X, "y": Y}], state=quince.MLModel(packages["counter"]).make_state())


def test_features_are_described(packages):
    model = quince.MLModel(packages["affine"])
    assert model.functions == ("main",)
    assert model.input_description["x"] == quince.Feature("x", "multiArrayType", "fp32", (2, 3), False, False)
    assert [f.name for f in model.outputs] == ["sum"]
    assert [f.name for f in quince.MLModel(packages["counter"]).states] == ["total"]


def test_states_are_kept_read_and_written(packages):
    model = quince.MLModel(packages["counter"])
    one, other = model.make_state(), model.make_state()
    x = np.array([1, 2, 3, 4], np.float16)
    model.predict({"x": x}, one)
    out = model.predict({"x": x}, state=one)["y"]
    assert out.dtype == np.float32  # as Core ML gives fp16
    np.testing.assert_array_equal(out, 2 * x)
    np.testing.assert_array_equal(one.read_state("total"), 2 * x)
    np.testing.assert_array_equal(other.read_state("total"), 0 * x)
    one.write_state("total", np.array([10, 20, 30, 40], np.float32))
    np.testing.assert_array_equal(model.predict({"x": x}, one)["y"], 11 * x)
    for bad in (lambda: one.read_state("k"), lambda: one.write_state("total", np.zeros(5)),
                lambda: model.predict({"x": x})):
        with pytest.raises(quince.Error):
            bad()


def test_the_caller_chooses_a_rank(packages):
    model = quince.MLModel(packages["filled"])
    for shape in ([2], [2, 3], [4, 1, 2], [5]):
        np.testing.assert_array_equal(model.predict({"shape": shape})["y"], np.full(shape, 3.0))


@pytest.mark.parametrize("data, says", [
    ({"x": X}, "y"), ({"x": X, "y": Y, "z": Y}, "z"), ({"x": X, "y": Y[:1]}, "y"),
    ({"x": X, "y": X.astype("complex64")}, "y")])
def test_bad_inputs_are_named(packages, data, says):
    with pytest.raises((quince.Error, TypeError), match=f'"{says}"'):
        quince.MLModel(packages["affine"]).predict(data)


def test_bad_models_are_errors(packages, tmp_path):
    with pytest.raises(quince.Error) as failure:
        quince.MLModel(tmp_path / "none.mlpackage")
    assert failure.value.status == "io" and "none.mlpackage" in str(failure.value)
    with pytest.raises(quince.Error, match="it has main"):
        quince.MLModel(packages["affine"], function_name="other")
    with pytest.raises(quince.Error, match="CPU_AND_NE"):
        quince.MLModel(packages["affine"], compute_units="TPU")
    with pytest.raises(TypeError):
        quince.MLModel(packages["affine"]).predict(X)


def test_overflows_are_named(packages):
    model = quince.MLModel(packages["overflow"])
    x = np.array([1, 300, 400], np.float16)
    assert model.predict({"x": x}, watch=True)["y"][0] == 2
    assert [(o["operation"], o["op"], o["elements"]) for o in model.overflows] == [("square", "mul", 2)]
    model.predict({"x": x / 100}, watch=True)
    assert model.overflows == []


def test_taps_show_what_is_inside(packages):
    model = quince.MLModel(packages["affine"])
    out, kept = model.taps({"x": X, "y": Y}, operations=["twice_cast_fp16"])
    np.testing.assert_array_equal(kept["twice_cast_fp16"][0], (2 * X).reshape(-1))
    np.testing.assert_array_equal(out["sum"], 2 * X + Y)
    with pytest.raises(quince.Error, match="thrice"):
        model.taps({"x": X, "y": Y}, operations=["thrice"])


def test_threads_share_a_model(packages):
    model = quince.MLModel(packages["affine"], threads=1)
    wrong = []

    def work(i):
        for _ in range(50):
            if not np.array_equal(model.predict({"x": X * i, "y": Y})["sum"], 2 * i * X + Y):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
