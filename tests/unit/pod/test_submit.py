from modelstream.errors import JobError
from modelstream.pod.failure import said
from modelstream.pod.submit import end_jobmanager


def raised(error):
    try:
        raise error
    except Exception as caught:
        return said(caught)


def test_an_error_of_the_library_is_one_line():
    assert raised(JobError("spec.sql: no such table")) == "JobNotBuilt: spec.sql: no such table"


def test_an_error_of_a_program_comes_with_its_traceback():
    text = raised(ValueError("no such luck"))

    assert text.startswith("Traceback (most recent call last):")
    assert text.rstrip().endswith("ValueError: no such luck")


def test_a_long_message_keeps_the_head_that_readers_look_for_and_the_end():
    text = raised(ValueError("x" * 10_000 + " the end"))

    assert text.startswith("Traceback")
    assert text.rstrip().endswith("the end")
    assert len(text) < 4096


def test_pages_of_java_frames_are_left_out_and_the_causes_stay():
    frames = "".join(f"\tat a.B.c{i}(B.java:{i})\n" for i in range(200))
    text = raised(
        ValueError(
            f"a.TableException: outer\n{frames}Caused by: a.Inner: root\n{frames}\t... 9 more"
        )
    )

    assert "a.TableException: outer" in text
    assert text.endswith("Caused by: a.Inner: root")
    assert "B.java" not in text


def test_only_a_jobmanager_is_ended():
    end_jobmanager()
