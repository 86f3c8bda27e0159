"""Reading a format's options: those that are known are honoured, the others refused by name."""

from collections.abc import Iterable, Mapping

from modelstream.errors import OptionError


def check_known(name: str, options: Mapping[str, str], known: Iterable[str]) -> None:
    """Refuse options that would otherwise be dropped in silence.

    Raises:
        OptionError: naming each of them.
    """
    if options.get("ignore-parse-errors", "false").lower() == "true":
        raise OptionError(
            f"pipeline.source.options: {name}.ignore-parse-errors hides what inference.onError is "
            f"to decide; leave it out"
        )
    unknown = sorted(set(options) - {"ignore-parse-errors", *known})
    if unknown:
        raise OptionError(
            f"pipeline.source.options: {', '.join(f'{name}.{key}' for key in unknown)} cannot be "
            f"honoured with onError DeadLetter or Drop; known are "
            f"{', '.join(f'{name}.{key}' for key in sorted(known))}; write inference.onError: Fail "
            f"to have Flink decode the records"
        )


def flag(name: str, options: Mapping[str, str], key: str, default: bool) -> bool:
    """An option that is true or false.

    Raises:
        OptionError: it is neither.
    """
    text = options.get(key, str(default)).lower()
    if text not in ("true", "false"):
        raise OptionError(f"pipeline.source.options: {name}.{key} is {text!r}; true or false")
    return text == "true"


def choice(name: str, options: Mapping[str, str], key: str, values: Iterable[str]) -> str:
    """An option that has one of a few values; the first is the default.

    Raises:
        OptionError: it has another.
    """
    allowed = list(values)
    text = options.get(key, allowed[0])
    if text not in allowed:
        raise OptionError(
            f"pipeline.source.options: {name}.{key} is {text!r}; one of {', '.join(allowed)}"
        )
    return text


def character(name: str, options: Mapping[str, str], key: str, default: str | None) -> str | None:
    """An option that is one character; a tab may be spelled as backslash and t.

    Raises:
        OptionError: it is longer.
    """
    text = options.get(key, default)
    if text is None:
        return None
    text = {"\\t": "\t", "\\n": "\n", "\\\\": "\\"}.get(text, text)
    if len(text) != 1:
        raise OptionError(f"pipeline.source.options: {name}.{key} is {text!r}; one character")
    return text
