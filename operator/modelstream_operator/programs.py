"""Programs that are values of ConfigMaps: each is watched by its name, for as long as it is used.

Other ConfigMaps of a namespace are nobody's business here, and those of leaders change every few
seconds: a watch of them all would cost more than all of the others.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from modelstream_operator.cluster import ApiError
from modelstream_operator.render.config import Program, program_of
from modelstream_operator.resources import CONFIG_MAP, Key, Manifest, Ref
from modelstream_operator.watch import Sink, Watch


@dataclass
class Programs:
    """The ConfigMaps in use. ``changed`` hears of each stream whose program is another one now."""

    changed: Callable[[Key], None] = lambda key: None
    follow: Callable[[Ref, Sink], Watch] | None = None
    """Makes the watch of one ConfigMap; None where others tell of them."""

    _found: dict[Ref, Program] = field(default_factory=dict)
    _used: dict[Key, Ref] = field(default_factory=dict)
    _watches: dict[Ref, tuple[Watch, asyncio.Task[None]]] = field(default_factory=dict)

    async def program(self, key: Key, name: str, seconds: float) -> Program | None:
        """What a stream's program is, None where there is none; a change wakes it from now on.

        Raises:
            ApiError: the ConfigMap could not be read in time.
        """
        ref = Ref(CONFIG_MAP.kind, key.namespace, name)
        if self._used.get(key) != ref:
            self.forget(key)
            self._used[key] = ref
        if (watch := self._watch(ref)) is not None:
            try:
                async with asyncio.timeout(seconds):
                    await watch.synced.wait()
            except TimeoutError as error:
                raise ApiError(0, f"{ref} cannot be read") from error
        return self._found.get(ref)

    def _watch(self, ref: Ref) -> Watch | None:
        if ref not in self._watches and self.follow is not None:
            watch = self.follow(ref, _Followed(self, ref))
            self._watches[ref] = watch, asyncio.create_task(watch.run())
        return self._watches[ref][0] if ref in self._watches else None

    def forget(self, key: Key) -> None:
        """A stream has no such program any more, or is no longer served."""
        ref = self._used.pop(key, None)
        if ref is None or ref in self._used.values():
            return
        self._found.pop(ref, None)
        if ref in self._watches:
            self._watches.pop(ref)[1].cancel()

    def tasks(self) -> list[asyncio.Task[None]]:
        """The watches that run."""
        return [task for _, task in self._watches.values()]

    def put(self, manifest: Manifest) -> None:
        """One was added or has changed."""
        self._tell(Ref.of(manifest), program_of(manifest))

    def drop(self, ref: Ref) -> None:
        """One is gone."""
        self._tell(ref, None)

    def known(self, ref: Ref) -> bool:
        """Whether there is one."""
        return ref in self._found

    def _tell(self, ref: Ref, program: Program | None) -> None:
        if self._found.get(ref) == program:
            return
        if program is None:
            del self._found[ref]
        else:
            self._found[ref] = program
        for key, used in self._used.items():
            if used == ref:
                self.changed(key)


@dataclass(frozen=True)
class _Followed:
    """What the watch of one ConfigMap tells."""

    programs: Programs
    ref: Ref

    def put(self, manifest: Manifest) -> None:
        self.programs.put(manifest)

    def drop(self, ref: Ref) -> None:
        self.programs.drop(ref)

    def refs(self, kind: str, namespace: str | None) -> Iterator[Ref]:
        if self.programs.known(self.ref):
            yield self.ref
