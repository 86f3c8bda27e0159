"""What YAML's reader and pydantic find, in the words of this project: what to write instead."""

import difflib
import json
import re

import yaml
from pydantic_core import ErrorDetails


def not_yaml(text: str, error: yaml.YAMLError) -> tuple[int | None, str]:
    """The line (from 1) that has to be changed, and how.

    Args:
        text: that is not YAML.
        error: what its reader says, at the place where it could not go on.
    """
    if not isinstance(error, yaml.MarkedYAMLError):
        return None, str(error)
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return None, str(error.problem)
    told = _told(text.splitlines(), error, mark)
    if told is not None:
        return told
    context = f" {error.context}" if error.context else ""
    return mark.line + 1, f"{error.problem}{context}"


def _told(lines: list[str], error: yaml.MarkedYAMLError, mark: yaml.Mark) -> tuple[int, str] | None:
    problem, begun = str(error.problem), error.context_mark
    here = mark.line + 1
    if r"'\t'" in problem:
        return here, "a tab stands at the beginning: indent with blanks"
    if "unexpected end of stream" in problem and begun is not None:
        return begun.line + 1, f"the quote that opens in column {begun.column + 1} does not end"
    if "mapping values are not allowed" in problem:
        for number in (mark.line, mark.line - 1):
            if found := _GLUED.match(lines[number] if 0 <= number < len(lines) else ""):
                return number + 1, f"write a blank after the colon: {found[1]}: {found[2]}"
        return here, "a value has a colon and a blank inside: write it in quotes"
    if problem.startswith("expected ',' or '}'") and "':'" in problem:
        return here, "inside of {…} a value has a colon: write it in quotes, or a , between entries"
    if problem.startswith("expected ',' or"):
        close = "}" if "'}'" in problem else "]"
        return here, f"what opens above does not end: write {close}, or a , between entries"
    if problem.startswith("expected <block end>") and begun is not None:
        return here, (
            f"this line is indented by {mark.column}, and nothing it could belong to is: those "
            f"from line {begun.line + 1} on are by {begun.column}"
        )
    if "could not find expected ':'" in problem:
        return here, "a line without a colon: write key: value"
    return None


_GLUED = re.compile(r"\s*(?:- )?([A-Za-z][\w.-]*):(\S.*)$")


_KINDS = {
    "string_type": "a string, in quotes where it looks like something else",
    "int_type": "a whole number such as 8",
    "int_from_float": "a whole number such as 8",
    "float_type": "a number such as 0.5",
    "bool_type": "true or false",
    "tuple_type": "a list such as [a, b]",
    "dict_type": "a mapping such as {a: b}",
    "model_type": "a mapping such as {a: b}",
    "model_attributes_type": "a mapping such as {a: b}",
}
_BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "enum": "must be one of {expected}",
    "literal_error": "must be {expected}",
}


def said(detail: ErrorDetails) -> str:
    """Pydantic's finding in the words of this project."""
    context = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "missing":
        return f"is missing: write {detail['loc'][-1]}: …, it is required"
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {_shown(detail['input'])}"
    if kind in _BOUNDS:
        near = _near(str(detail["input"]), str(context.get("expected", "")))
        return f"{_BOUNDS[kind].format(**context)}, not {_shown(detail['input'])}{near}"
    if kind == "value_error":
        return str(context["error"])
    return detail["msg"]


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _near(given: str, expected: str) -> str:
    """A did-you-mean among the values of an enum."""
    names = re.findall(r"'([^']*)'", expected)
    folded = {name.lower(): name for name in names}
    near = difflib.get_close_matches(given.lower(), folded, n=1, cutoff=0.6)
    return f": did you mean {folded[near[0]]}?" if near and len(names) > 1 else ""
