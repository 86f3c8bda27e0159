"""How the pods find the JobManager, and how the operator asks Flink."""

from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.render.target import Target
from modelstream_operator.resources import SERVICE, Manifest


def jobmanager_service(target: Target) -> Manifest:
    """Headless: TaskManagers reach the JobManager's pod itself, also before it is ready."""
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": target.selector(Component.JOBMANAGER),
        "ports": [
            _port("rpc", names.JOBMANAGER_RPC_PORT),
            _port("blob", names.BLOB_PORT),
        ],
    }
    return target.child(SERVICE, names.jobmanager(target.name), Component.JOBMANAGER, spec=spec)


def rest_service(target: Target) -> Manifest:
    """Flink's REST interface and web page, inside the cluster only."""
    spec = {
        "type": "ClusterIP",
        "selector": target.selector(Component.JOBMANAGER),
        "ports": [_port("rest", names.REST_PORT)],
    }
    return target.child(SERVICE, names.rest(target.name), Component.JOBMANAGER, spec=spec)


def _port(name: str, port: int) -> dict[str, object]:
    return {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
