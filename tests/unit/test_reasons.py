from modelstream.reasons import Reasons


def test_reasons_are_counted_whatever_the_values_in_them() -> None:
    reasons = Reasons()
    for number in range(12):
        reasons.add(
            f"encode: column 'age': {number}.5 is 'no' number", lambda number=number: f"f:{number}"
        )
    reasons.add("encode: column 'amt': 1 is 'no' number", lambda: "f:20")
    assert reasons.lines() == [
        "12 times: encode: column 'age': 0.5 is 'no' number; such as f:0",
        "once: encode: column 'amt': 1 is 'no' number; such as f:20",
    ]


def test_the_most_frequent_ones_come_first_and_the_rest_is_counted() -> None:
    reasons = Reasons()
    for at, count in enumerate((1, 5, 3, 2)):
        reasons.add("abcd"[at], count=count)
    assert reasons.lines(2) == ["5 times: b", "3 times: c", "3 times: 2 other reasons"]
    assert reasons.lines(3) == ["5 times: b", "3 times: c", "2 times: d", "once: a"]


def test_a_reason_is_one_line() -> None:
    reasons = Reasons()
    reasons.add("a\nb" + "c" * 1000)
    (line,) = reasons.lines()
    assert line.startswith("once: a bcc")
    assert len(line) < 250


def test_reasons_without_end_take_no_memory_without_end() -> None:
    reasons = Reasons()
    for number in range(300):
        reasons.add("reason " + "x" * number)
    assert len(reasons.found) <= 101
    assert sum(reason.count for reason in reasons.found.values()) == 300
