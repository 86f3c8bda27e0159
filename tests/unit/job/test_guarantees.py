"""What Kafka's transactions need: given where a manifest leaves it out, asked for in SQL."""

import pytest
import yaml
from tests.support.resource_cases import edited

from modelstream.errors import JobError
from modelstream.job import guarantees, tables
from modelstream.job.secrets import Secrets
from modelstream_crds.v1alpha1 import Metadata, ModelStream, ModelStreamSpec, Sink

ONCE = {"topic": "out", "sink.delivery-guarantee": "exactly-once"}
SCRIPT = """\
CREATE TABLE numbers (x INT) WITH ('connector' = 'datagen');
CREATE TABLE `out` (x INT) WITH ({});
INSERT INTO `out` SELECT x FROM numbers;
"""
KAFKA = "'connector' = 'kafka', 'sink.delivery-guarantee' = 'exactly-once'"


def options(field: str = "sink", connector: str = "kafka", **more: str) -> dict[str, str]:
    sink = Sink(connector=connector, format="json", options={**ONCE, **more})
    nothing = Secrets(lambda name, key: pytest.fail("a secret was read"))
    return tables.sink_plan(sink, nothing, field, "payments.fraud").all_options()


@pytest.mark.parametrize("connector", ["kafka", "upsert-kafka"])
@pytest.mark.parametrize("field", ["sink", "deadLetter"])
def test_transactions_have_a_name_of_their_own_and_the_time_that_brokers_allow(
    connector: str, field: str
) -> None:
    found = options(field, connector)
    assert found["sink.transactional-id-prefix"] == f"payments.fraud.{field}"
    assert found["properties.transaction.timeout.ms"] == "900000"


def test_what_the_manifest_says_stands() -> None:
    found = options(**{"sink.transactional-id-prefix": "mine"})
    assert found["sink.transactional-id-prefix"] == "mine"


@pytest.mark.parametrize(
    ("connector", "guarantee"), [("kafka", "at-least-once"), ("other", "exactly-once")]
)
def test_where_nothing_is_promised_nothing_is_added(connector: str, guarantee: str) -> None:
    found = options(connector=connector, **{"sink.delivery-guarantee": guarantee})
    assert found.keys() == {"format", "topic", "sink.delivery-guarantee"}


def test_jobs_of_one_name_in_two_namespaces_are_told_apart() -> None:
    assert guarantees.identity(Metadata(name="fraud", namespace="payments")) == "payments.fraud"
    assert guarantees.identity(Metadata(name="fraud")) == "fraud"


def spec(table: str, **more: object) -> ModelStreamSpec:
    statements = SCRIPT.format(table)
    changes = {"spec.pipeline": None, "spec.sql": {"statements": statements}}
    changes |= {f"spec.{name}": value for name, value in more.items()}
    return ModelStream.model_validate(yaml.safe_load(yaml.safe_dump(edited(changes)))).spec


STATE = {"storage": "s3://b/p"}


@pytest.mark.parametrize(
    ("table", "more"),
    [
        pytest.param(f"{KAFKA}, 'sink.transactional-id-prefix' = 'o'", {"state": STATE}, id="kept"),
        pytest.param(KAFKA.replace("exactly", "at-least"), {}, id="not promised"),
        pytest.param(
            KAFKA.replace("kafka", "mine"), {"flink": {"runtimeMode": "Batch"}}, id="in batch"
        ),
    ],
)
def test_a_script_may_promise_what_it_can_keep(table: str, more: dict[str, object]) -> None:
    guarantees.check_statements(spec(table, **more))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({}, "write spec.state.storage, or 'sink.delivery-guarantee' = ", id="state"),
        pytest.param({"state": STATE}, "write 'sink.transactional-id-prefix' = 'out'", id="name"),
    ],
)
def test_a_script_that_promises_more_is_told_the_statement_and_what_to_write(
    more: dict[str, object], said: str
) -> None:
    with pytest.raises(JobError) as caught:
        guarantees.check_statements(spec(KAFKA, **more))
    message = str(caught.value)
    assert message.startswith("sql.statements, statement 2 (line 2: CREATE TABLE `out` ")
    assert said in message


def test_a_table_that_is_only_read_promises_nothing() -> None:
    found = spec(KAFKA)
    assert found.sql is not None
    text = found.sql.statements.replace("INTO `out` SELECT x FROM numbers", "INTO x SELECT 1")
    guarantees.check_statements(
        found.model_copy(update={"sql": found.sql.model_copy(update={"statements": text})})
    )
