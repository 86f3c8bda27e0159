"""The tables of the operator's guide that the code has: reasons, effects of changes, settings."""

from collections.abc import Iterator
from dataclasses import fields

from docs import ROOT
from modelstream_crds.diff import EFFECTS, Effect
from modelstream_operator.decide import problem
from modelstream_operator.settings import PREFIX, Settings

_IN_WORDS = {
    Effect.NOTHING: "restarts nothing",
    Effect.SCALE: "scales the job in place",
    Effect.RESTART: "restarts the job",
}
_WISHES = {
    "suspend": "takes the pods away, or brings them back",
    "state.restoreFrom": "restarts the job where its `nonce` is greater than all before",
}
"""Fields that the life cycle reads by itself, beside what a change of them is to a running job."""
GUIDE = ROOT / "docs" / "operator.md"


def with_tables(guide: str) -> str:
    """The guide with its tables as the code has them."""
    guide = _replaced(guide, "### Reasons", problem.table())
    guide = _replaced(guide, "### Field by field", "\n".join([*_effects(), ""]))
    return _replaced(guide, "## Settings", "\n".join([*_settings(), ""]))


def _replaced(guide: str, heading: str, table: str) -> str:
    """The first table below the heading, in place of the one that is there."""
    before, mark, after = guide.partition(f"\n{heading}\n")
    start = after.index("\n| ") + 1
    end = after.index("\n\n", start) + 1
    return f"{before}{mark}{after[:start]}{table}{after[end:]}"


def _effects() -> Iterator[str]:
    yield "| field | a change |"
    yield "| --- | --- |"
    for field, effect in EFFECTS.items():
        yield f"| `{field}` | {_WISHES.get(field) or _IN_WORDS[effect]} |"


def _settings() -> Iterator[str]:
    yield "| variable | default | for |"
    yield "| --- | --- | --- |"
    for each in fields(Settings):
        variable, said = f"{PREFIX}{each.name.upper()}", each.metadata["doc"]
        yield f"| `{variable}` | {_default(each.default)} | {said} |"


def _default(value: object) -> str:
    if value in ((), "", None):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
