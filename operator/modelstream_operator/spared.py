"""Savepoints of a stream that others name: they stay, however many there are."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from modelstream_operator import names
from modelstream_operator.cluster import Cluster
from modelstream_operator.decide.decision import Seen, Wanted
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.saved import Saved
from modelstream_operator.decide.savepoints import surplus
from modelstream_operator.resources import Manifest
from modelstream_operator.session import Session
from modelstream_operator.wish import Wish

AGAIN = timedelta(minutes=10)
"""Between two looks at the other streams, where the last one has found all of them named."""


async def with_spared(
    cluster: Cluster, session: Session, asked: Wish, seen: Seen, memory: Memory
) -> Seen:
    """What is seen, with the image that runs and what other streams name of what is to go."""
    image = asked.present.image if asked.present else ""
    seen = replace(seen, made_of=replace(seen.made_of, image=image))
    found = in_question(memory, asked.wanted, seen.now, session.looked)
    if not found or asked.present is None or asked.present.spec.state is None:
        return seen
    streams = await cluster.streams(session.key.namespace)
    named = spared(found, streams, asked.present.spec.state.storage)
    session.looked = seen.now if len(named) == len(found) else None
    return replace(seen, spared=named)


def in_question(
    memory: Memory, wanted: Wanted, now: datetime, looked: datetime | None
) -> tuple[Saved, ...]:
    """Those that would be disposed of, as far as it is time to ask what others name."""
    due = looked is None or now < looked or now - looked >= AGAIN
    free = memory.ask is None or memory.ask.trigger_id is None
    if memory.step is not Step.DEPLOYED or not due or not free:
        return ()
    return surplus(memory, wanted)


def spared(found: Iterable[Saved], streams: Iterable[Manifest], storage: str) -> frozenset[str]:
    """Those of them that a ``restoreFrom`` names, or that a run has begun with."""
    named = {path.rstrip("/") for each in streams for path in _named_by(each)}
    return frozenset(
        each.path
        for each in found
        if any(
            path == name or path.startswith(f"{name}/")
            for name in named
            for path in _spellings(each.path, storage)
        )
    )


def _spellings(path: str, storage: str) -> tuple[str, ...]:
    """As pods have a path, and as a manifest spells one on a claim."""
    mounted = f"file://{names.STATE_DIR}"
    if not path.startswith(mounted):
        return (path,)
    return path, f"{storage.rstrip('/')}{path[len(mounted) :]}"


def _named_by(stream: Manifest) -> Iterator[str]:
    """Paths that a stream is to begin with, or that what it runs has come from."""
    status = stream.get("status") or {}
    restore = ((stream.get("spec") or {}).get("state") or {}).get("restoreFrom") or {}
    began = status.get("restoredFrom") or {}
    back = (status.get("rollback") or {}).get("previous") or {}
    stored: list[dict[str, Any]] = [restore, began, began.get("previous") or {}, back]
    yield from (str(each["path"]) for each in stored if each.get("path"))
