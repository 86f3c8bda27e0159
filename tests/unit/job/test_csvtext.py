"""CSV cut into records and fields; that Flink cuts it so, test_decode_like_flink.py shows."""

import pytest

from modelstream.errors import ConversionError
from modelstream.job.decode.csvtext import Dialect

PLAIN, COMMENTS, ESCAPE = Dialect(), Dialect(comments=True), Dialect(escape="\\")
DOUBLED = Dialect(escape='"')


def read(dialect: Dialect, text: str, chunk: int) -> list[list[str] | str]:
    """The fields of each record of a file, or what is wrong with it."""
    chunks = [text[at : at + chunk] for at in range(0, len(text), chunk)]
    return [fields(dialect, record) for record in dialect.records(chunks)]


def fields(dialect: Dialect, record: str) -> list[str] | str:
    try:
        return dialect.fields(record)
    except ConversionError as error:
        return str(error)


OPEN = "it is not CSV: a quote is not closed, or an escape is cut"


@pytest.mark.parametrize("chunk", [1, 3, 1000])
@pytest.mark.parametrize(
    ("dialect", "text", "records"),
    [
        pytest.param(PLAIN, "1,2\n3,4", [["1", "2"], ["3", "4"]], id="no line end at the end"),
        pytest.param(PLAIN, "1,2\r\n3,4\r5,6", [["1", "2"], ["3", "4"], ["5", "6"]], id="ends"),
        pytest.param(PLAIN, '1,"x\ny"\n3,4\n', [["1", "x\ny"], ["3", "4"]], id="in quotes"),
        pytest.param(PLAIN, '1,"x\r\n\r\ny"\r\n', [["1", "x\r\n\r\ny"]], id="CRLF in quotes"),
        pytest.param(PLAIN, '1,"a""\n""b"\n', [["1", 'a"\n"b']], id="doubled quotes"),
        pytest.param(PLAIN, '1,x"y\nz"\n', [["1", 'x"y'], ['z"']], id="a quote that opens nothing"),
        pytest.param(PLAIN, '1, "x\ny"\n', [["1", ' "x'], ['y"']], id="a quote behind a blank"),
        pytest.param(PLAIN, '1,"a" \t\n3,4\n', [["1", "a"], ["3", "4"]], id="blanks behind"),
        pytest.param(PLAIN, "\n1,2\n\n", [[""], ["1", "2"], [""]], id="empty lines"),
        pytest.param(PLAIN, "", [], id="empty file"),
        pytest.param(PLAIN, '1,2\n3,"x\n5,6\n', [["1", "2"], OPEN], id="open quote"),
        pytest.param(
            PLAIN,
            '1,"a"x,"b\nc"\n3,4\n',
            ["it is not CSV: 'x' follows a closing quote", ["3", "4"]],
            id="text behind a closing quote",
        ),
        pytest.param(COMMENTS, '#"\n1,2\n  #\n\n \r\n3,4\n# c', [["1", "2"], ["3", "4"]], id="#"),
        pytest.param(COMMENTS, '  "a\n#b",2\n', [["a\n#b", "2"]], id="no comment in quotes"),
        pytest.param(PLAIN, "#1,2\n", [["#1", "2"]], id="comments are data"),
        pytest.param(ESCAPE, '1,"x\\"\ny"\n', [["1", 'x"\ny']], id="escaped quote"),
        pytest.param(ESCAPE, "1,x\\\ny\\,\n", [["1", "x\ny,"]], id="escaped line break"),
        pytest.param(ESCAPE, '1,\\"x\ny"\n', [["1", '"x'], ['y"']], id="opens nothing"),
        pytest.param(ESCAPE, '\\n,"\\t\\b"\n', [["\n", "\tb"]], id="as in Java"),
        pytest.param(ESCAPE, "1,2\\", [OPEN], id="cut escape"),
        pytest.param(DOUBLED, '1,"2"",\n3"\n4,5\n', [["1", '2",\n3'], ["4", "5"]], id="doubled"),
        pytest.param(Dialect(quote=None), '1,"x\ny"\n', [["1", '"x'], ['y"']], id="quotes off"),
        pytest.param(Dialect(";", "'"), "1;'x;\n\"'\n", [["1", 'x;\n"']], id="another quote"),
        pytest.param(Dialect("\t"), '"x"\t\t\n', [["x", "", ""]], id="a blank for a delimiter"),
        pytest.param(Dialect("§"), '1§"a\nb"\n', [["1", "a\nb"]], id="outside of ASCII"),
    ],
)
def test_a_file_is_cut_at_the_ends_of_its_records(
    dialect: Dialect, text: str, records: list[list[str] | str], chunk: int
) -> None:
    assert read(dialect, text, chunk) == records


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_a_record_knows_the_line_that_it_begins_at(chunk: int) -> None:
    text = '1\n"2\n\r\n",x\r\n# c\n5\r6\n\n8'
    chunks = [text[at : at + chunk] for at in range(0, len(text), chunk)]
    numbered = [line for line, _ in COMMENTS.numbered(chunks)]
    assert numbered == [1, 2, 6, 7, 9]
    assert [line for line, _ in PLAIN.numbered(chunks)] == [1, 2, 5, 6, 7, 8, 9]


def test_a_record_much_longer_than_the_chunks_is_not_searched_again_for_each() -> None:
    read_again = 0

    class Counted(Dialect):
        def _cut(self, text: str, *, last: bool):  # type: ignore[no-untyped-def]
            nonlocal read_again
            read_again += len(text)
            return super()._cut(text, last=last)

    text = '"' + "x\n" * 100_000 + '"\n1\n'
    assert len(list(Counted().records(text[at : at + 100] for at in range(0, len(text), 100)))) == 2
    assert read_again < 8 * len(text)


@pytest.mark.parametrize("message", ["1,2\n3,4", '1,"2"\n3,4', "1,2\r3"])
def test_a_message_of_several_records_is_bad(message: str) -> None:
    with pytest.raises(ConversionError, match="more than one line"):
        PLAIN.fields(message)


def test_a_comment_is_no_message() -> None:
    with pytest.raises(ConversionError, match="it is a comment"):
        COMMENTS.fields("  # 1,2")
