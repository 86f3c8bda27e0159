"""Where the models of a local run are: given, on this machine, or fetched into a cache."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelstream.cli import kinds
from modelstream.cli.exits import UsageError
from modelstream.cli.places import at
from modelstream.cli.progress import Download, ProgressLine, size
from modelstream.errors import FetchError
from modelstream.fetch import check_links, fetch, local_path, scheme_of
from modelstream.job.models import checked_digest
from modelstream_crds.model import FETCHED
from modelstream_crds.needs import claim_path
from modelstream_crds.quantities import quantity
from modelstream_crds.v1alpha1 import Model

if TYPE_CHECKING:
    from modelstream.models.formats import FileModel

_REMOTE = ("http", *FETCHED)


def cache_root() -> Path:
    """Where fetched models stay; XDG_CACHE_HOME is honoured."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "modelstream" / "models"


def model_paths(
    models: Iterable[Model], given: Mapping[str, str], mounts: Mapping[str, Path]
) -> dict[str, Path]:
    """The directory of each model; what is remote is fetched.

    Raises:
        UsageError: a model exists only in a cluster and was not given, or one was given that the
            manifest does not have.
    """
    models = tuple(models)
    names = [model.name for model in models]
    if unknown := sorted(given.keys() - set(names)):
        raise UsageError(
            f"--model {unknown[0]}=…: the manifest has no model of that name; "
            f"it has {', '.join(names) or 'none'}"
        )
    found = {}
    for index, model in enumerate(models):
        is_given = model.name in given
        with at(f"--model {model.name}" if is_given else f"spec.models[{index}].uri"):
            found[model.name] = _path(model, given.get(model.name), mounts)
    return found


def at_hand(address: str, digest: str | None = None, max_bytes: int | None = None) -> Path:
    """The path of a model by its address: on this machine, or fetched into the cache.

    Without a digest nothing says that the copy in the cache is what stands at the address by now,
    so that it is fetched again.
    """
    if scheme_of(address) not in _REMOTE:
        return _here(address)
    place = cache_root() / _cache_name(address, digest)
    if digest is None:
        shutil.rmtree(place, ignore_errors=True)
    line = ProgressLine()
    try:
        fetched = fetch(
            address,
            place,
            digest=digest,
            max_bytes=max_bytes,
            progress=Download(address, line),
        )
    finally:
        line.finish()
    if not fetched.kept:
        pin = "" if digest else f"; with digest: {fetched.digest} it is fetched only once"
        line.finish(f"fetched {address}: {size(fetched.bytes)}{pin}")
    return fetched.path


def _here(address: str) -> Path:
    try:
        path = local_path(address)
    except FetchError as error:
        raise UsageError(str(error)) from error
    if said := kinds.archive(path):
        raise UsageError(said)
    return path


def model_at_hand(
    address: str, *, tags: str | None, version: int | None, imports: Sequence[str]
) -> "FileModel":
    """The model at an address, its signatures read.

    Raises:
        UsageError: it is a graph, which has no signatures.
        FetchError: a link in it leads out of it.
    """
    from modelstream.models.formats import file_model, model_as_file

    path = at_hand(address)
    if path.is_dir():
        check_links(path)
    found = file_model(path, tags=all_tags(tags), version=version, imports=imports)
    if found is None:
        raise UsageError(
            f"{model_as_file(path)} is a graph, which does not say what it takes and gives: write "
            f"its signatures into a manifest, and `modelstream run` that"
        )
    return found


def all_tags(given: str | None) -> tuple[str, ...]:
    """The tags of ``--tags``; those of a model that is served if None."""
    return tuple(given.split(",")) if given else ("serve",)


def _path(model: Model, given: str | None, mounts: Mapping[str, Path]) -> Path:
    if given is not None:
        # What was given is meant, whatever the manifest's digest says of the original.
        return at_hand(given)
    scheme = model.uri.partition("://")[0]
    name, within = claim_path(model.uri)
    if scheme == "pvc" and name in mounts:
        path = mounts[name] / within
        if path.is_dir():
            check_links(path, path)  # what is beside it is not mounted in a pod
    elif scheme in ("pvc", "image"):
        mount = f", or --mount {name}=DIR" if scheme == "pvc" else ""
        raise UsageError(
            f"model {model.name}: {model.uri} exists only in a cluster: "
            f"give --model {model.name}=PATH{mount}"
        )
    else:
        return _checked(model, at_hand(model.uri, model.digest, _cap(model)), scheme)
    return _checked(model, path, scheme)


def _checked(model: Model, path: Path, scheme: str) -> Path:
    if scheme not in _REMOTE and model.digest is not None and path.exists():
        checked_digest(model, path)
    return path


def _cap(model: Model) -> int | None:
    return None if model.size is None else quantity(model.size)


def _cache_name(address: str, digest: str | None) -> str:
    readable = re.sub(r"[^A-Za-z0-9]+", "-", address.partition("?")[0])[-40:].strip("-")
    return f"{readable}-{hashlib.sha256(f'{address} {digest}'.encode()).hexdigest()[:16]}"
