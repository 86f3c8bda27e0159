"""What an administrator sets, read from environment variables once, at the start."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

PREFIX = "MODELSTREAM_"


class SettingsError(Exception):
    """An environment variable has a value that cannot be used."""


class Restarts(StrEnum):
    """Of streams whose pods a newer operator renders otherwise."""

    NEVER = "Never"
    ONE_BY_ONE = "OneByOne"


def _restarts(text: str) -> Restarts:
    if text not in set(Restarts):
        raise ValueError(f"it must be {' or '.join(Restarts)}")
    return Restarts(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _flag(text: str) -> bool:
    match text.strip().lower():
        case "true" | "1" | "on" | "yes":
            return True
        case "false" | "0" | "off" | "no" | "":
            return False
    raise ValueError("it must be true or false")


def _user(text: str) -> int | None:
    if not text.strip():
        return None
    if (user := int(text)) < 1:
        raise ValueError("it must be a user that is not root")
    return user


def _setting(default: Any, doc: str, parse: Callable[[str], Any] = str) -> Any:
    return field(default=default, metadata={"doc": doc, "parse": parse})


@dataclass(frozen=True)
class Settings:
    """One field per variable: ``flink_rest`` is ``MODELSTREAM_FLINK_REST``."""

    namespaces: tuple[str, ...] = _setting(
        (), "Namespaces to serve, separated by commas; empty means the whole cluster.", _names
    )
    namespace: str = _setting(
        "modelstream-system",
        "Namespace of the operator's own pod; its pods may reach Flink's REST.",
    )
    pod: str = _setting("", "Name of the operator's own pod; empty outside of a cluster.")
    pod_uid: str = _setting("", "Uid of the operator's own pod.")
    lease_namespace: str = _setting(
        "default",
        "Namespace of the Lease of an operator that serves the whole cluster; all name the same.",
    )
    lease_duration: float = _setting(
        15.0, "Seconds for which a Lease is in force after it was renewed.", float
    )
    image_cpu: str = _setting(
        "modelstream/runtime:latest", "Runtime image of jobs without a GPU that name no image."
    )
    image_cuda: str = _setting(
        "modelstream/runtime-cuda:latest", "Runtime image of jobs with a GPU that name no image."
    )
    image_pull_policy: str = _setting(
        "", "Pull policy of the containers; empty leaves it to Kubernetes."
    )
    image_pull_secrets: tuple[str, ...] = _setting(
        (), "Names of pull secrets that every pod refers to, separated by commas.", _names
    )
    user: int | None = _setting(
        9999,
        "User and group of pods whose podTemplate names none; empty leaves them to the platform.",
        _user,
    )
    fetch_allowed_hosts: tuple[str, ...] = _setting(
        (),
        "Hosts with private addresses that models may be fetched from, separated by commas.",
        _names,
    )
    service_accounts: tuple[str, ...] = _setting(
        (),
        "Names that `flink.serviceAccount.name` may have, separated by commas; empty allows all.",
        _names,
    )
    rollout: str = _setting(
        Restarts.NEVER,
        "`OneByOne` restarts streams with `state` for what a newer operator renders otherwise.",
        _restarts,
    )
    flink_rest: str = _setting(
        "http://{name}-jobmanager-{run}.{namespace}:8081",
        "Where the Flink REST interface of a run is; {name}, {namespace} and {run} are filled in.",
    )
    flink_timeout: float = _setting(5.0, "Seconds that Flink's REST may take to answer.", float)
    flink_poll_busy: float = _setting(
        2.0, "Seconds between two questions to Flink while something changes.", float
    )
    flink_poll_stable: float = _setting(
        30.0, "Seconds between two questions to Flink while all is well.", float
    )
    resync: float = _setting(
        600.0, "Seconds after which an object is looked at although nothing was heard of.", float
    )
    retry_refused: float = _setting(
        30.0, "Seconds between two tries of a child that the API server refuses.", float
    )
    concurrency: int = _setting(16, "Passes that run at the same time.", int)
    connections: int = _setting(32, "Connections to the API server, beside those of watches.", int)
    request_timeout: float = _setting(
        30.0, "Seconds that the API server may take to answer.", float
    )
    delete_timeout: float = _setting(
        60.0, "Seconds that a deletion waits for Flink's pods before it goes on.", float
    )
    stuck_after: float = _setting(
        300.0, "Seconds that one pass may last before the liveness probe fails.", float
    )
    nodes: bool = _setting(
        True, "Read nodes, to say which label or how many GPUs are missing.", _flag
    )
    liveness_port: int = _setting(8080, "Port of the liveness probe; 0 turns it off.", int)
    metrics_port: int = _setting(9090, "Port of the Prometheus metrics; 0 turns them off.", int)
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = _setting(True, "Log lines as JSON objects; false gives plain text.", _flag)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the variables that are set; raises SettingsError with the name of a bad one."""
        values: dict[str, Any] = {}
        for each in fields(cls):
            variable = PREFIX + each.name.upper()
            if variable not in environment:
                continue
            try:
                values[each.name] = each.metadata["parse"](environment[variable])
            except ValueError as error:
                raise SettingsError(f"{variable}={environment[variable]!r}: {error}") from error
        return cls(**values)

    def flink_url(self, namespace: str, name: str, run: int) -> str:
        """Base URL of the Flink REST interface of one run."""
        return self.flink_rest.format(namespace=namespace, name=name, run=run)
