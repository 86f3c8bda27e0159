"""How the pods find the JobManager, and how the operator asks Flink."""

from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.render.target import Target
from modelstream_operator.resources import SERVICE, Manifest


def jobmanager_service(target: Target) -> Manifest:
    """Headless: TaskManagers and the operator reach the pod itself, also before it is ready."""
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": target.selector(Component.JOBMANAGER),
        "ports": [
            _port("rpc", names.JOBMANAGER_RPC_PORT),
            _port("blob", names.BLOB_PORT),
            _port("rest", names.REST_PORT),
        ],
    }
    name = names.jobmanager(target.name, target.run)
    return target.run_child(SERVICE, name, Component.JOBMANAGER, spec=spec)


def rest_service(target: Target) -> Manifest:
    """Flink's REST interface and web page of the present run, for people inside the cluster."""
    spec = {
        "type": "ClusterIP",
        "selector": target.selector(Component.JOBMANAGER),
        "ports": [_port("rest", names.REST_PORT)],
    }
    return target.child(SERVICE, names.rest(target.name), Component.JOBMANAGER, spec=spec)


def _port(name: str, port: int) -> dict[str, object]:
    return {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
