"""Real models through the methods: columns in, columns out."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.support import models

from modelstream.convert import example
from modelstream.errors import ConversionError, SignatureMismatchError, UnevenShapesError
from modelstream.models import Classify, Predict, Regress, SavedModel, method_for

PYTHON = "import os\n\ndef listing(path):\n    for name in os.listdir(path):\n        print(name)\n"
C = '#include <stdio.h>\n\nint main(void) {\n    printf("hello\\n");\n    return 0;\n}\n'


def run(model, method, **columns):
    bound = method.bind(model)
    n = len(next(iter(columns.values())))
    with model.open() as opened:
        return bound.read(bound.run(opened, bound.encode(columns)), n)


def test_guesslang_tells_languages_apart():
    model = SavedModel(models.guesslang())
    method = method_for(model.signatures["serving_default"])
    assert method == Classify("serving_default")
    codes = pd.Series([PYTHON * 3, C * 3])
    assert run(model, method, inputs=codes)["label"] == ["py", "c"]


def test_guesslang_ranks_the_best_three_above_a_threshold():
    model = SavedModel(models.guesslang())
    method = Classify(top_k=3, threshold=0.1, inputs={"inputs": "code"}, outputs={"best": "top_k"})
    (best,) = run(model, method, code=[C * 3])["best"]
    assert list(best) == ["c", "cpp"]
    assert best["c"] > best["cpp"] > 0.1


def test_guesslangs_predict_signature_classifies_too():
    model = SavedModel(models.guesslang())
    method = Classify("predict", inputs={"content": "code"})
    assert run(model, method, code=[PYTHON * 3])["label"] == ["py"]


def test_guesslangs_predict_signature_gives_all_its_tensors():
    model = SavedModel(models.guesslang())
    columns = run(model, Predict("predict"), content=[PYTHON, C])
    assert len(columns["probabilities"]) == 2
    assert columns["probabilities"][0].shape == (54,)


def test_half_plus_two_from_examples():
    model = SavedModel(models.half_plus_two())
    method = method_for(model.signatures["regress_x_to_y"])
    assert method == Regress("regress_x_to_y")
    serialized = [example(x=float(x)) for x in range(4)]
    assert run(model, method, inputs=serialized)["value"].tolist() == [2, 2.5, 3, 3.5]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([{"x": 0.0}, {"x": 3.0}], id="dicts"),
        pytest.param(pd.DataFrame({"x": [0.0, 3.0]}), id="a-row-column-as-pandas-gets-it"),
    ],
)
def test_half_plus_two_from_rows(rows):
    model = SavedModel(models.half_plus_two())
    columns = run(model, Regress("regress_x_to_y"), inputs=rows)
    assert columns["value"].tolist() == [2, 3.5]


def test_half_plus_two_from_numbers():
    model = SavedModel(models.half_plus_two())
    method = Predict(types={"y": "FLOAT"})
    assert run(model, method, x=[0.0, 3.0])["y"].tolist() == [2, 3.5]


def test_half_plus_two_classifies():
    model = SavedModel(models.half_plus_two())
    assert run(model, Classify("classify_x_to_y"), inputs=[example(x=1.0)])["label"] == ["y"]


def test_basic_pitch_takes_windows_of_sound():
    model = SavedModel(models.basic_pitch())
    bound = Predict(outputs={"notes": "note"}).bind(model)
    bound.check({"input_2": "ARRAY<FLOAT>"})
    sound = np.sin(np.arange(43844) * 2 * np.pi * 440 / 22050).astype(np.float32)
    (notes,) = run(model, Predict(outputs={"notes": "note"}), input_2=[sound])["notes"]
    loudest = np.mean(notes, axis=0).argmax()
    assert loudest == 69 - 21, "A4, counted from the lowest key of a piano"


def test_an_arrow_column_goes_in_as_it_comes():
    model = SavedModel(models.mlp())
    rows = np.random.default_rng(1).random((32, 16), np.float32)
    column = pa.array(list(rows), pa.list_(pa.float32())).to_pandas()
    columns = run(model, Predict(inputs={"x": "features"}), features=column)
    with model.open() as opened:
        expected = opened.call("serving_default", {"x": rows})["y"]
    np.testing.assert_array_equal(np.stack(columns["y"]), expected)


def test_text_goes_in_and_out():
    columns = run(SavedModel(models.shout()), Predict(), text=["straße", ""])
    assert columns["loud"] == ["STRAßE", ""]
    assert columns["length"].tolist() == [7, 0]


def test_ragged_outputs_are_lists():
    columns = run(SavedModel(models.words()), Predict(), text=["to be or", "", "not"])
    assert columns == {"lengths": [[2, 2, 2], [], [3]], "words": [["to", "be", "or"], [], ["not"]]}


def test_several_inputs_and_outputs():
    columns = run(SavedModel(models.pair()), Predict(), a=[1.0, 2.0], b=[[1, 2], [3, 4]])
    assert columns["sum"].tolist() == [4, 9]
    assert [row.tolist() for row in columns["product"]] == [[1, 2], [6, 8]]


def test_every_dtype_goes_in_and_comes_out():
    from modelstream.convert.dtypes import DTYPES, Kind

    values = {Kind.FLOAT: 1.5, Kind.INTEGER: 7, Kind.BOOLEAN: True, Kind.STRING: "a"}
    columns = {name: [[values[dtype.kind]] * 2] * 3 for name, dtype in DTYPES.items()}
    scored = run(SavedModel(models.dtypes()), Predict(), **columns)
    for name, rows in columns.items():
        assert [list(row) for row in scored[f"{name}_out"]] == rows, name


def test_uneven_records_run_group_by_group():
    model = SavedModel(models.total())
    bound = Predict().bind(model)
    rows = [[1.0], [2.0, 3.0], [4.0], []]
    with pytest.raises(UnevenShapesError) as caught:
        bound.encode({"values": rows})
    sums = {}
    for group in caught.value.groups:
        columns = run(model, Predict(), values=[rows[index] for index in group])
        sums.update(zip(group, columns["sum"].tolist(), strict=True))
    assert sums == {0: 1, 1: 5, 2: 4, 3: 0}


@pytest.mark.parametrize("n", [1, 4, 6])
def test_a_model_of_a_fixed_batch_takes_any_number_of_records(n):
    rows = [[float(index), 1.0] for index in range(n)]
    columns = run(SavedModel(models.fixed_batch()), Predict(), x=rows)
    assert columns["y"].tolist() == [index + 1 for index in range(n)]


def test_a_keras_3_export_predicts_and_classifies():
    model = SavedModel(models.keras3())
    rows = [[0.0, 1.0, 2.0, 3.0]]
    (probabilities,) = run(model, Predict(), features=rows)["output_0"]
    assert probabilities.sum() == pytest.approx(1)
    columns = run(model, Classify(labels=("a", "b", "c")), features=rows)
    assert columns["label"] == ["abc"[probabilities.argmax()]]


def test_a_table_from_an_asset_is_filled():
    model = SavedModel(models.colours(), tags=("serve", "colours"))
    assert run(model, Predict(), name=["blue", "red", "pink"])["number"].tolist() == [2, 0, 3]


def test_signatures_with_state_are_called_on_the_open_model():
    model = SavedModel(models.counter())
    with pytest.raises(SignatureMismatchError, match="takes no input"):
        Predict("increment").bind(model)
    with pytest.raises(SignatureMismatchError, match="nothing that has one row a record"):
        Predict("add").bind(model)
    with model.open() as opened:
        assert opened.predict("increment")["count"] == 1
        assert opened.predict("add", delta=2.5)["count"] == 3.5
        assert opened.predict("reset")["count"] == 0


def test_a_record_that_breaks_the_model_raises_what_the_model_said():
    with pytest.raises(Exception, match="x is negative"):
        run(SavedModel(models.picky()), Predict(), x=[1.0, -1.0])


def test_a_broken_example_is_an_error_of_the_model():
    model = SavedModel(models.half_plus_two())
    with pytest.raises(Exception, match="Could not parse example"):
        run(model, Regress("regress_x_to_y"), inputs=[example(x=1.0), b"\xff\xff"])


def test_a_null_never_reaches_the_model():
    with pytest.raises(ConversionError, match="column 'text': record 1"):
        run(SavedModel(models.shout()), Predict(), text=["a", None])
