"""Savepoints of a stream that others name: they stay, however many there are."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from modelstream_operator import names
from modelstream_operator.cluster import Cluster
from modelstream_operator.decide.decision import Seen, Wanted
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.remains import Remains
from modelstream_operator.decide.removing import removable
from modelstream_operator.decide.saved import Saved
from modelstream_operator.decide.savepoints import surplus
from modelstream_operator.render.config import PVC
from modelstream_operator.resources import Manifest
from modelstream_operator.session import Session
from modelstream_operator.wish import Wish

AGAIN = timedelta(minutes=10)
"""Between two looks at the other streams, where the last one has found all of them named."""


async def with_spared(
    cluster: Cluster,
    session: Session,
    asked: Wish,
    seen: Seen,
    memory: Memory,
    *,
    sweeps: bool = False,
) -> Seen:
    """What is seen, with the image that runs and what other streams name of what is to go.

    With ``sweeps`` a pod removes already what ended runs have left.
    """
    image = asked.present.image if asked.present else ""
    seen = replace(seen, made_of=replace(seen.made_of, image=image))
    found = in_question(memory, asked.wanted, seen, sweeps=sweeps)
    state = asked.present.spec.state if asked.present else None
    if not found or state is None or not _is_due(session.looked, seen.now):
        return seen
    # Of the stream itself only what its spec names: what its run began with is known here.
    streams = [
        {"spec": each.get("spec")} if each["metadata"]["name"] == session.key.name else each
        for each in await cluster.streams(session.key.namespace)
    ]
    needed = spared(found, streams, state.storage)
    # What goes may not have gone when this pass ends; nothing is asked again soon where none goes.
    goes = any(_id(each) not in needed for each in found)
    session.looked = None if goes else seen.now
    return replace(seen, spared=needed)


def in_question(
    memory: Memory, wanted: Wanted, seen: Seen, *, sweeps: bool
) -> tuple[Saved | Remains, ...]:
    """What would go, unless somebody else needs it."""
    if memory.step is not Step.DEPLOYED:
        return ()
    free = memory.ask is None or memory.ask.trigger_id is None
    return (
        *(surplus(memory, wanted) if free else ()),
        *(() if sweeps else removable(memory, seen)),
    )


def spared(
    found: Iterable[Saved | Remains], streams: Iterable[Manifest], storage: str
) -> frozenset[str]:
    """Those of them that a ``restoreFrom`` names, or that a run has begun with."""
    named = {path.rstrip("/") for each in streams for path in _named_by(each)}
    paths = [each for name in named for each in _spellings(name, storage)]
    return frozenset(_id(each) for each in found if any(_needs(path, each) for path in paths))


def _needs(path: str, each: Saved | Remains) -> bool:
    """A person may name the directory above a savepoint, too."""
    if isinstance(each, Remains):
        return each.hold(path)
    return each.path == path or each.path.startswith(f"{path}/")


def _id(each: Saved | Remains) -> str:
    return each.path if isinstance(each, Saved) else each.job_id


def _is_due(looked: datetime | None, now: datetime) -> bool:
    return looked is None or now < looked or now - looked >= AGAIN


def _spellings(path: str, storage: str) -> tuple[str, ...]:
    """A path as it is written, and as pods have one on a claim."""
    root = storage.rstrip("/")
    if not path.startswith(f"{root}/") or not root.startswith(PVC):
        return (path,)
    return path, f"file://{names.STATE_DIR}{path[len(root) :]}"


def _named_by(stream: Manifest) -> Iterator[str]:
    """Paths that a stream is to begin with, or that what it runs has come from."""
    status = stream.get("status") or {}
    restore = ((stream.get("spec") or {}).get("state") or {}).get("restoreFrom") or {}
    began = status.get("restoredFrom") or {}
    back = (status.get("rollback") or {}).get("previous") or {}
    stored: list[dict[str, Any]] = [restore, began, began.get("previous") or {}, back]
    yield from (str(each["path"]) for each in stored if each.get("path"))
