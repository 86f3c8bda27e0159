"""``modelstream validate``: what is wrong with a manifest, without a cluster."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from modelstream.cli.exits import Exit, UsageError
from modelstream.cli.local import Local, beside
from modelstream.cli.look import look
from modelstream.cli.places import Places
from modelstream.cli.request import absolute
from modelstream_crds.manifest import ManifestError, Problem, load_all
from modelstream_crds.mounted import with_directories
from modelstream_crds.v1alpha1 import ModelStream

_FIRST = "`modelstream init MODEL` writes a first one"
_TITLES = {"absent": "to run it on this machine", "unseen": "not looked at"}


def command(arguments: argparse.Namespace) -> Exit:
    """Print the problems of every file; valid files are told on standard output."""
    check = _Check(dict(arguments.set), dict(arguments.model), as_json=arguments.json)
    codes = [check.file(file) for file in arguments.files]
    return max(codes)


@dataclass(frozen=True)
class _Check:
    """What files are checked with, and how that is told.

    Attributes:
        overrides: path → value.
        models: name → path.
        as_json: an object a line for each thing that is told.
    """

    overrides: Mapping[str, str]
    models: Mapping[str, str]
    as_json: bool = False

    def file(self, file: Path) -> Exit:
        """Check all that is in a file.

        Raises:
            UsageError: a model was given that none of it has.
        """
        try:
            local = beside(file)
            overrides = {**local.set, **self.overrides}
            streams = load_all(file, overrides)
        except ManifestError as error:
            return self._refuse(error.problems)
        if not streams:
            return self._refuse([Problem(str(file), None, "", f"holds no ModelStream: {_FIRST}")])
        names = {model.name for stream in streams for model in stream.spec.models}
        if unknown := sorted(self.models.keys() - names):
            raise UsageError(
                f"--model {unknown[0]}=…: no manifest in {file} has a model of that name"
            )
        given = replace(local, models={**local.models, **self.models}, set=overrides)
        codes = [self._stream(file, stream, given) for stream in streams]
        return max(codes)

    def _stream(self, file: Path, stream: ModelStream, given: Local) -> Exit:
        name = stream.metadata.name
        own = {e.name: given.models[e.name] for e in stream.spec.models if e.name in given.models}
        mounts = absolute({claim: Path(path) for claim, path in given.mounts.items()})
        spec, _ = with_directories(stream.spec, mounts)
        found = look(spec, file.parent, own, {*given.mounts, *given.secrets})
        places = Places(file, name, dict(given.set))

        def placed(messages: Iterable[str]) -> list[Problem]:
            return [places.problem(each) or Problem("", None, "", each) for each in messages]

        code = self._refuse(placed(found.wrong)) if found.wrong else Exit.DONE
        if self.as_json:
            self._event("refused" if found.wrong else "valid", file=str(file), name=name)
        elif not found.wrong:
            print(f"{file}: {name} is valid")
        self._list("absent", placed(found.absent))
        self._list("unseen", [Problem("", None, "", each) for each in found.unseen])
        return code

    def _refuse(self, problems: Iterable[Problem]) -> Exit:
        for problem in problems:
            if self.as_json:
                self._event("problem", **asdict(problem))
            else:
                print(problem, file=sys.stderr)
        return Exit.REFUSED

    def _list(self, kind: str, entries: list[Problem]) -> None:
        if self.as_json:
            for entry in entries:
                self._event(kind, **asdict(entry))
        elif entries:
            print(f"  {_TITLES[kind]}:", *(f"  - {entry}" for entry in entries), sep="\n")

    def _event(self, kind: str, **fields: object) -> None:
        print(json.dumps({"event": kind, **fields}, ensure_ascii=False))
