"""PURE: which options Flink runs with in this pod."""

from collections.abc import Mapping
from typing import Any

Options = dict[str, Any]

S3_PROVIDER = "s3.aws.credentials.provider"
WEB_IDENTITY = ",".join(
    (
        "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider",
        "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
        "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
        "com.amazonaws.auth.WebIdentityTokenCredentialsProvider",
    )
)
"""Flink's S3 takes no service account by itself: it would go on as the node. Keys come first."""

WORKER = "/opt/modelstream/worker"
CLIENT_PYTHON = "/opt/venv/bin/python"


def flattened(options: Mapping[str, Any], prefix: str = "") -> Options:
    """Nested options under their full names: ``{"rest": {"port": 1}}`` → ``{"rest.port": 1}``."""
    flat: Options = {}
    for key, value in options.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{name}.")
        elif value is not None:
            flat[name] = value
    return flat


def merged(shipped: Mapping[str, Any], *later: Mapping[str, Any]) -> Options:
    """Flink's shipped options under each later layer; a later layer wins key by key.

    Shipped options that no layer names stay: ``env.java.opts.all`` opens the modules of the JDK
    that Flink needs.
    """
    options = flattened(shipped)
    for layer in later:
        options |= flattened(layer)
    return options


def jobmanager_address(pod_ip: str, high_availability: bool) -> Options:
    """What the JobManager listens on.

    With high availability TaskManagers find the leader by its own address, so that is the pod's;
    without, they know the Service's name, which the operator's options hold.
    """
    anywhere = _anywhere(pod_ip)
    options = {
        "rest.address": pod_ip,
        "rest.bind-address": anywhere,
        "jobmanager.bind-host": anywhere,
    }
    if high_availability:
        options["jobmanager.rpc.address"] = pod_ip
    return options


def taskmanager_address(pod_ip: str) -> Options:
    """What the TaskManager listens on, and what it tells the JobManager to call."""
    return {"taskmanager.host": pod_ip, "taskmanager.bind-host": _anywhere(pod_ip)}


def python_programs() -> Options:
    """Who runs Python: the program of the job, and the workers that score records."""
    return {"python.client.executable": CLIENT_PYTHON, "python.executable": WORKER}


def web_identity(environment: Mapping[str, str], *layers: Mapping[str, Any]) -> Options:
    """S3 as the pod's service account, where it has a role there and no layer says otherwise."""
    given = {key for layer in layers for key in flattened(layer)}
    if any(key.endswith("aws.credentials.provider") for key in given):
        return {}
    has_role = environment.get("AWS_ROLE_ARN") and environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    return {S3_PROVIDER: WEB_IDENTITY} if has_role else {}


def has_high_availability(options: Mapping[str, Any]) -> bool:
    """Whether the options ask for a JobManager that others find through Kubernetes."""
    return str(options.get("high-availability.type", "NONE")).upper() != "NONE"


def _anywhere(pod_ip: str) -> str:
    return "::" if ":" in pod_ip else "0.0.0.0"
