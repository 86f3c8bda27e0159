from modelstream import reasons
from modelstream.errors import ConversionError
from modelstream.failure import Drop, Failure, Stage
from modelstream.scoring.letter import FailedBy
from modelstream.scoring.settle import Refused, settle


def test_what_was_refused_is_noted_with_a_reason_and_a_record() -> None:
    reasons.forget()
    failure = Failure.of(Stage.ENCODE, ConversionError("column 'x': it is null"))
    settle([Refused({"x": None, "id": at}, failure) for at in range(2)], Drop(), FailedBy("fraud"))
    assert reasons.noted().lines() == [
        "2 times: encode: ConversionError: column 'x': it is null; such as {'x': None, 'id': 0}"
    ]
