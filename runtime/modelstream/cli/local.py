"""``modelstream.local.yaml``: what is other on this machine than the manifests beside it say."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelstream.fetch import scheme_of
from modelstream.messages import suggestion
from modelstream_crds.manifest import Problem, plain
from modelstream_crds.mounted import mounted
from modelstream_crds.needs import claims
from modelstream_crds.problems import ManifestError
from modelstream_crds.v1alpha1 import ModelStreamSpec

NAME = "modelstream.local.yaml"
_KEYS = ("models", "mounts", "secrets", "set")


@dataclass(frozen=True)
class Local:
    """The options of the same names.

    Attributes:
        models: name → path or address.
        mounts: claim or ConfigMap → directory.
        secrets: NAME/KEY → file.
        set: path of a field → its value, as YAML.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    set: Mapping[str, str] = field(default_factory=dict)

    def for_spec(self, spec: ModelStreamSpec) -> "Local":
        """What a manifest has a use for: the file is there for all that stand beside it."""
        models = {model.name for model in spec.models}
        there = {*claims(spec), *(each.claim for each in mounted(spec))}
        return Local(
            {name: path for name, path in self.models.items() if name in models},
            {name: path for name, path in self.mounts.items() if name in there},
            self.secrets,
            self.set,
        )


def beside(manifest: Path) -> Local:
    """What stands beside a manifest; nothing where there is no such file.

    Relative paths begin there, but for those in ``set``, which are values of the manifest.

    Raises:
        ManifestError: it holds what is not an option.
    """
    file = manifest.parent / NAME
    document = plain(file) if file.is_file() else None
    if document is None:
        return Local()
    value = document.value
    if not isinstance(value, dict):
        raise ManifestError(Problem(str(file), 1, "", f"holds no mapping: {_expected()}"))
    wrong = [
        Problem(str(file), document.line(path), ".".join(path), said)
        for path, said in _wrong(value)
    ]
    if wrong:
        raise ManifestError(*wrong)
    given = {key: value.get(key) or {} for key in _KEYS}
    paths = {
        key: {name: _placed(str(path), file.parent) for name, path in given[key].items()}
        for key in ("models", "mounts", "secrets")
    }
    texts = {path: json.dumps(each, ensure_ascii=False) for path, each in given["set"].items()}
    return Local(**paths, set=texts)


def _wrong(value: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, entries in value.items():
        if key not in _KEYS:
            yield (key,), f"unknown key{suggestion(key, _KEYS)}: {_expected()}"
        elif entries is not None and not isinstance(entries, dict):
            yield (key,), f"must be a mapping, such as {key}: {{{_SUCH[key]}}}"
        elif key != "set":
            for name, path in (entries or {}).items():
                if not isinstance(path, str):
                    yield (key, name), f"must be a path, such as {key}: {{{_SUCH[key]}}}"
                elif key == "secrets" and name.count("/") != 1:
                    yield (key, name), f"is not a NAME/KEY: write {key}: {{{_SUCH[key]}}}"


_SUCH = {
    "models": "fraud: models/fraud",
    "mounts": "state: /tmp/state",
    "secrets": "kafka/password: secrets/password",
    "set": "spec.flink.runtimeMode: Batch",
}


def _expected() -> str:
    return f"write {', '.join(_KEYS)}, each with what the option of that name takes"


def _placed(path: str, directory: Path) -> str:
    """A path that begins beside the file; an address, and ``~``, as they are."""
    if scheme_of(path):
        return path
    return str(directory / Path(path).expanduser())
