import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelstream.errors import JobError
from modelstream.job import sqljob, statements
from modelstream.job.connectors import AVRO, KAFKA, S3


def texts(script: str) -> list[str]:
    return [statement.text for statement in statements.split(script)]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("A; B", ["A", "B"], id="two"),
        pytest.param("A;;\n ;B;", ["A", "B"], id="empty-ones-are-none"),
        pytest.param("SELECT ';'; B", ["SELECT ';'", "B"], id="in-a-string"),
        pytest.param("SELECT 'it''s;'; B", ["SELECT 'it''s;'", "B"], id="doubled-quote"),
        pytest.param("SELECT `a;b`; B", ["SELECT `a;b`", "B"], id="in-a-name"),
        pytest.param("A -- x; 'y\n; B", ["A", "B"], id="in-a-line-comment"),
        pytest.param("A /* x; ' */ C; B", ["A   C", "B"], id="in-a-block-comment"),
        pytest.param("SELECT '--'; B", ["SELECT '--'", "B"], id="comment-sign-in-a-string"),
        pytest.param("SELECT '/*'; B", ["SELECT '/*'", "B"], id="block-sign-in-a-string"),
        pytest.param(
            "T /*+ OPTIONS('a;'='b') */; B", ["T /*+ OPTIONS('a;'='b') */", "B"], id="hint-stays"
        ),
        pytest.param("-- only a comment", [], id="comment-alone"),
    ],
)
def test_a_semicolon_ends_a_statement_only_where_it_is_one(
    script: str, expected: list[str]
) -> None:
    assert texts(script) == expected


@given(
    st.lists(
        st.sampled_from(["'a;b'", "`c;d`", "--e;\n", "/*f;*/", "g", " ", "\n", "'h''i'"]),
        max_size=12,
    ),
    st.integers(1, 4),
)
def test_whatever_stands_between_semicolons_splitting_finds_as_many_statements(
    parts: list[str], count: int
) -> None:
    body = "X " + "".join(parts)
    assert len(texts(";\n".join([body + "\n"] * count))) == count


def test_a_statement_knows_the_line_that_it_starts_at() -> None:
    first, second = statements.split("-- note\nA\nB;\n\n/* two\nlines */ C")
    assert (first.line, second.line) == (2, 6)
    assert "statement 2 (line 6: C)" in str(second)


@pytest.mark.parametrize("script", ["SELECT 'open; B", "A /* open; B", "A `open"])
def test_what_does_not_end_is_an_error_with_its_line(script: str) -> None:
    with pytest.raises(JobError, match=r"line 2.*does not end"):
        statements.split("A;\n" + script)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param("SELECT 1", "write INSERT INTO a table", id="select"),
        pytest.param("CREATE VIEW v AS SELECT 1", "there is no INSERT", id="no-insert"),
        pytest.param("BEGIN STATEMENT SET; INSERT INTO a SELECT 1", "one statement set", id="set"),
        pytest.param("EXECUTE PLAN '/x.json'; INSERT INTO a SELECT 1", "of its own", id="execute"),
        pytest.param(
            "SET 'python.execution-mode' = 'thread'; INSERT INTO a SELECT 1",
            "python.execution-mode is set by ModelStream",
            id="reserved",
        ),
    ],
)
def test_a_script_that_is_no_job_is_refused_with_what_to_write(script: str, message: str) -> None:
    with pytest.raises(JobError, match=message):
        sqljob.checked(script)


def test_the_jars_of_a_script_are_those_that_its_tables_name() -> None:
    needs = sqljob.needs(
        "CREATE TABLE a (x INT) WITH ('connector' = 'kafka', 'format'='avro');"
        "CREATE TABLE b (x INT) WITH ('connector'='filesystem', 'path'='s3://bucket/x');"
        "CREATE TABLE c (x INT) WITH ('connector'='something-else')"
    )
    assert needs.jars == (KAFKA, AVRO)
    assert needs.plugins == (S3,)
