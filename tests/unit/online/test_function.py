"""The functions as Flink calls them, without Flink: what is state is pickled after each record."""

import weakref
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.online import Context, Mean

from modelstream import DeadLetter, Drop, Fail, OnlineModel, TensorSpec
from modelstream.convert.codec import decode
from modelstream.errors import DivergedError, RecordFailedError, StateError

SCALAR = TensorSpec("float32", (None,))
MODEL = OnlineModel(
    build=lambda: None,
    loss="mse",
    inputs={"x": SCALAR},
    labels={"y": SCALAR},
    update_every=2,
    publish_every=1,
    on_error=DeadLetter(),
)
END_OF_INPUT = 2**63 - 1


class Learning:
    def __init__(
        self,
        model: OnlineModel = MODEL,
        fields: tuple[str, ...] = ("id", "x", "y"),
        held: Any = None,
    ) -> None:
        from pyflink.common import Types
        from pyflink.datastream import OutputTag

        from modelstream.online.functions import LearningFunction, Setup

        self.context, self.learner = Context(), Mean()
        self.context.held = held
        tags = OutputTag("dead", Types.STRING()), OutputTag("weights", Types.STRING())
        setup = Setup(model, fields, ("id",))
        self.function = LearningFunction(setup, *tags, make_learner=lambda _: self.learner)
        self.function.open(self.context)

    def take(self, *record: Any) -> list[Any]:
        from pyflink.common import Row

        return list(self.function.process_element(Row(*record), self.context))


@pytest.fixture(autouse=True)
def _flink() -> None:
    from tests.support.jvm import import_noisy

    import_noisy()


def test_scores_come_out_as_rows_and_weights_beside_them() -> None:
    learning = Learning()
    assert [list(row) for row in learning.take(1, 1.0, 8.0)] == [[1, 0.0, 8.0, 0]]
    scored, (tag, weights) = learning.take(2, 1.0, 8.0)
    assert list(scored) == [2, 0.0, 8.0, 0]
    assert (tag.tag_id, weights[0], weights[1]) == ("weights", "7", 1)
    assert [array.tolist() for array in decode(weights[2])] == [[4.0]]


def test_weights_are_published_every_so_many_updates() -> None:
    learning = Learning(replace(MODEL, publish_every=3))
    versions = [len(learning.take(number, 1.0, 8.0)) - 1 for number in range(1, 15)]
    assert [at for at, published in enumerate(versions, 1) if published] == [6, 12]


@pytest.mark.parametrize(
    ("on_error", "letters"), [pytest.param(DeadLetter(), 1, id="dead letter"), (Drop(), 0)]
)
def test_a_bad_record_is_a_dead_letter_or_dropped(on_error: Any, letters: int) -> None:
    given = Learning(replace(MODEL, on_error=on_error)).take(1, "text", 8.0)
    assert [tag.tag_id for tag, _ in given] == ["dead"] * letters
    for _, letter in given:
        assert letter[:3] == [b"7", b'{"id": 1, "x": "text", "y": 8.0}', "encode"]
        assert letter[5] == "online"


def test_a_bad_record_ends_the_job_with_its_key_and_its_values() -> None:
    with pytest.raises(RecordFailedError, match=r"\{'id': 1, 'x': 'text', 'y': 8.0\} of key '7'"):
        Learning(replace(MODEL, on_error=Fail())).take(1, "text", 8.0)


def test_a_model_that_has_diverged_ends_the_job_with_the_key() -> None:
    learning = Learning()
    learning.take(1, 13.0, 1.0)
    with pytest.raises(DivergedError, match=r"key '7': model 'online'"):
        learning.take(2, 13.0, 1.0)


def test_who_waits_is_scored_in_time_and_at_the_end_of_the_input() -> None:
    learning = Learning(replace(MODEL, update_every=4, max_latency=timedelta(seconds=2)))
    assert learning.take(1, 1.0, 8.0) == []
    assert learning.take(2, 1.0, 8.0) == []
    assert learning.context.timers == [3000, END_OF_INPUT]
    assert len(list(learning.function.on_timer(3000, learning.context))) == 2
    assert learning.take(3, 1.0, 8.0) == []
    assert learning.context.timers == [3000, END_OF_INPUT] * 2


def test_what_waits_keeps_its_columns_when_the_stream_gets_another_one() -> None:
    waiting = replace(MODEL, update_every=3, max_latency=timedelta(seconds=2))
    before = Learning(waiting)
    assert before.take(1, 1.0, 8.0) == []
    after = Learning(waiting, ("new", "x", "y", "id"), before.context.held)
    assert after.take("n", 1.0, 8.0, 2) == []
    *scored, (tag, _) = after.take("n", 1.0, 8.0, 3)
    assert [row[0] for row in scored] == [1, 2, 3]
    assert tag.tag_id == "weights"


def test_what_waits_and_lacks_a_column_that_is_kept_is_refused() -> None:
    waiting = replace(MODEL, max_latency=timedelta(seconds=2))
    before = Learning(waiting, ("id", "x", "y"))
    before.take(1, 1.0, 8.0)
    renamed = replace(waiting, labels={"z": SCALAR})
    after = Learning(renamed, ("id", "x", "z"), before.context.held)
    with pytest.raises(StateError, match=r"1 records wait .* no 'z', only 'x', 'y', 'id'"):
        after.take(2, 1.0, 8.0)


def test_a_timer_of_a_key_without_records_that_wait_makes_no_state() -> None:
    learning = Learning(replace(MODEL, max_latency=timedelta(seconds=2)))
    assert list(learning.function.on_timer(3000, learning.context)) == []
    assert learning.context.held is None


def test_a_key_ends_after_its_time_to_live_if_it_has_one() -> None:
    assert Learning().context.descriptor._ttl_config is None
    config = Learning(replace(MODEL, ttl=timedelta(days=30))).context.descriptor._ttl_config
    assert config.get_ttl().to_milliseconds() == 30 * 24 * 3600 * 1000


def test_the_model_is_gone_with_its_function() -> None:
    learning = Learning()
    learning.function.close()
    assert learning.learner.closed
    gone = weakref.ref(learning.learner)
    del learning.learner
    assert gone() is None, "the function does not hold it"


def test_the_model_is_gone_with_the_function_that_scores() -> None:
    function, made = _scoring()
    function.open(Context())
    function.close()
    (learner,) = made
    assert learner.closed
    gone = weakref.ref(learner)
    del learner, made[:]
    assert gone() is None, "the function does not hold it"


def test_a_model_is_closed_whose_function_did_not_open_to_the_end() -> None:
    function, made = _scoring()
    with pytest.raises(AttributeError):
        function.open(None)
    function.close()
    assert made == []

    def refuse() -> None:
        raise StateError("no")

    function, made = _scoring(begin=refuse)
    with pytest.raises(StateError):
        function.open(Context())
    function.close()
    assert [learner.closed for learner in made] == [True]


def _scoring(**changed: Any) -> tuple[Any, list[Mean]]:
    """A function that scores, and the learners that it makes."""
    from pyflink.common import Types
    from pyflink.datastream import OutputTag

    from modelstream.online.functions import ScoringFunction, Setup

    made: list[Mean] = []

    def make(_: OnlineModel) -> Mean:
        made.append(learner := Mean())
        vars(learner).update(changed)
        return learner

    setup, tag = Setup(MODEL, ("k", "x"), ("k",)), OutputTag("dead", Types.STRING())
    return ScoringFunction(setup, lambda row: row[0], tag, make_learner=make), made


def test_scorers_take_the_newest_weights_of_the_key_of_the_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pyflink.common import Row, Types
    from pyflink.datastream import OutputTag

    from modelstream.online import functions
    from modelstream.online.functions import ScoringFunction, Setup

    monkeypatch.setattr(functions, "_DECODED", 1)
    context, learning = Context(), Learning()
    tag = OutputTag("dead", Types.STRING())
    setup = Setup(MODEL, ("id", "k", "x"), ("id",))
    scorer = ScoringFunction(setup, lambda row: row[1], tag, make_learner=lambda _: Mean())
    scorer.open(context)

    def score(*record: Any) -> list[Any]:
        return [list(row) for row in scorer.process_element(Row(*record), context)]

    assert score(1, 7, 1.0) == [[1, 0.0, None, 0]]
    for updates in (1, 2):
        learning.take(1, 1.0, 8.0)
        *_, (_, weights) = learning.take(2, 1.0, 8.0)
        scorer.process_broadcast_element(weights, context)
        assert score(1, 7, 1.0) == [[1, 8.0 - 8.0 / 2**updates, None, updates]]
    assert score(1, 8, 1.0) == [[1, 0.0, None, 0]]
    scorer.process_broadcast_element(Row("8", 1, weights[2]), context)
    for key in (8, 7, 8):  # one of them is decoded at a time
        assert score(1, key, 1.0) == [[1, 6.0, None, 1 if key == 8 else 2]]
        assert len(scorer._known) == 1
    ((dead, letter),) = scorer.process_element(Row(1, 7, -1.0), context)
    assert (dead, letter[2]) == (tag, "inference")
