"""Which argument of a call in SQL feeds which tensor: told by names, never by chance."""

import re

import pytest

from modelstream import CallableModel, Predict
from modelstream.convert import TensorSpec
from modelstream.errors import SignatureMismatchError
from modelstream.scoring.sqlcall import By, Passed, bind

FLOAT, LONG, TEXT = "float32", "int64", "string"


def bound(**inputs: str):
    specs = {name: TensorSpec(dtype, (None,), name) for name, dtype in inputs.items()}
    return Predict().bind(CallableModel(lambda **_: None, specs, {"y": TensorSpec(FLOAT, (None,))}))


def columns(*names: str, kind: str = "FLOAT") -> list[Passed]:
    return [Passed(kind, name) for name in names]


@pytest.mark.parametrize(
    ("inputs", "passed", "by"),
    [
        pytest.param({"x": FLOAT}, columns("whatever"), By.ARGUMENTS, id="one input"),
        pytest.param({"a": FLOAT, "b": FLOAT}, columns("a", "b"), By.ARGUMENTS, id="their names"),
        pytest.param(
            {"a": FLOAT, "b": FLOAT}, [*columns("a"), Passed("DOUBLE")], By.ARGUMENTS, id="one left"
        ),
        pytest.param(
            {"id": LONG, "lang": TEXT},
            [Passed("BIGINT"), Passed("CHAR(3) NOT NULL")],
            By.ARGUMENTS,
            id="their types",
        ),
        pytest.param(
            {"a": FLOAT, "n": LONG}, [Passed("FLOAT", "p"), Passed("INT", "q")], By.ARGUMENTS,
            id="types, though integers would feed both",
        ),
        pytest.param({"x": FLOAT}, [Passed("ROW<x FLOAT>")], By.ROW, id="a ROW for one"),
        pytest.param({"ex": TEXT}, [Passed("ROW<a INT>")], By.ARGUMENTS, id="an Example"),
        pytest.param(
            {"n": LONG, "s": TEXT}, [Passed("ROW<s STRING, n BIGINT>")], By.ROW, id="a ROW"
        ),
    ],
)  # fmt: skip
def test_a_call_that_can_mean_one_thing_is_taken(inputs, passed, by) -> None:
    found = bind("f", bound(**inputs), passed)
    assert found.by is by
    assert set(found.tensors) == set(inputs)


REFUSED = [
    pytest.param(
        {"a": FLOAT, "b": FLOAT}, columns("p", "q"),
        "more than one order of 'a', 'b' would fit",
        "f(CAST(ROW(`p`, `q`) AS ROW<`a` FLOAT, `b` FLOAT>))",
        id="columns of other names",
    ),
    pytest.param(
        {"a": FLOAT, "b": FLOAT}, columns("b", "a"),
        "argument 1 is the column 'b', and stands where the input 'a' is fed",
        "f(CAST(ROW(`a`, `b`) AS ROW<`a` FLOAT, `b` FLOAT>))",
        id="names in another order",
    ),
    pytest.param(
        {"a": FLOAT, "n": LONG}, [Passed("INT"), Passed("INT")],
        "more than one order", "f(CAST(ROW(`a`, `n`) AS ROW<`a` INT, `n` INT>))",
        id="types that fit both",
    ),
    pytest.param(
        {"n": LONG, "s": TEXT}, columns("s"),
        "called with 1 arguments, and takes 2 inputs",
        "f(CAST(ROW(`n`, `s`) AS ROW<`n` BIGINT, `s` STRING>))",
        id="too few",
    ),
    pytest.param({"x": FLOAT}, columns("x", "y"), "called with 2 arguments", "f(`x`)", id="many"),
    pytest.param(
        {"n": LONG, "s": TEXT}, [Passed("ROW<`EXPR$0` BIGINT, `EXPR$1` STRING>")],
        "its ROW has the field 'EXPR$0', which is not an input",
        "f(CAST(ROW(`n`, `s`) AS ROW<`n` BIGINT, `s` STRING>))",
        id="a ROW without names",
    ),
    pytest.param(
        {"n": LONG, "s": TEXT}, [Passed("ROW<n BIGINT>")], "no field for 's'", "ROW<`n`", id="short"
    ),
    pytest.param(
        {"age": FLOAT, "pay": FLOAT}, [Passed("ROW<agee FLOAT, pay FLOAT>")],
        "the field 'agee', which is not an input (did you mean 'age'?)", "f(CAST(ROW(`age`, ",
        id="a field of another name",
    ),
    pytest.param(
        {"n": LONG, "s": TEXT}, [Passed("ROW<n STRING, s STRING>")],
        "the field 'n' (STRING) cannot feed input 'n'", "f(CAST(ROW(", id="a field of another type",
    ),
    pytest.param(
        {"a": FLOAT, "b": FLOAT}, [Passed("MAP<STRING, FLOAT>")],
        "a MAP, of which Flink hands over the first batch alone",
        "f(CAST(ROW(`a`, `b`) AS ROW<`a` FLOAT, `b` FLOAT>))", id="a MAP",
    ),
    pytest.param({"s": TEXT}, [Passed("MAP<STRING, STRING>")], "a MAP", "f(`s`)", id="MAP for one"),
    pytest.param(
        {"x": FLOAT}, [Passed("DOUBLE", constant=True)], "no function for constants alone",
        "f(CAST(ROW(`x`) AS ROW<`x` DOUBLE>))", id="constants only",
    ),
    pytest.param({"x": FLOAT}, [Passed("STRING", "t")], "argument 1 (STRING)", "f(`t`)", id="type"),
]  # fmt: skip


@pytest.mark.parametrize(("inputs", "passed", "why", "instead"), REFUSED)
def test_any_other_is_refused_with_the_call_to_write(inputs, passed, why, instead) -> None:
    said = rf"f: .*{re.escape(why)}.*Write .*{re.escape(instead)}"
    with pytest.raises(SignatureMismatchError, match=said):
        bind("f", bound(**inputs), passed)


def test_a_refusal_among_many_arguments_does_not_take_long() -> None:
    names = [f"x{number}" for number in range(300)]
    with pytest.raises(SignatureMismatchError, match="more than one order"):
        bind("f", bound(**dict.fromkeys(names, FLOAT)), [Passed("FLOAT")] * 300)


def test_what_feeds_each_input_can_be_read() -> None:
    inputs = bound(a=FLOAT, b=TEXT)
    assert (
        str(bind("f", inputs, [Passed("FLOAT", "p"), Passed("STRING")])) == "a ← p, b ← argument 2"
    )
    named = bind("f", inputs, [Passed("ROW<b STRING, a INT>")])
    assert str(named) == "a ← the field a, b ← the field b"
