import pytest

from modelstream.messages import suggestion


@pytest.mark.parametrize(
    ("name", "meant"),
    [("x", "X"), ("USER_ID", "user_id"), ("ammount", "amount"), ("colour", None)],
)
def test_a_name_that_was_nearly_written_is_suggested(name: str, meant: str | None) -> None:
    said = suggestion(name, ["X", "user_id", "amount"])
    assert said == (f" (did you mean {meant!r}?)" if meant else "")
