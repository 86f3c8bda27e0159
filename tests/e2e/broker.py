"""A Kafka broker as a pod, and the tests' way to it."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator

from tests.e2e import workloads
from tests.e2e.cluster import Namespace, eventually
from tests.support.kafka import CLUSTER_ID, Kafka
from tests.support.ports import held_port

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093,OUTSIDE://0.0.0.0:9094
advertised.listeners=PLAINTEXT://kafka:9092,OUTSIDE://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=/tmp/kafka
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""
START = f"""\
cat > /tmp/server.properties <<'END'
{PROPERTIES}END
export CLASSPATH='/opt/kafka/libs/*'
java="$JAVA_HOME/bin/java -Xms64m -Xmx256m -XX:+UseSerialGC"
$java kafka.tools.StorageTool format -t {CLUSTER_ID} -c /tmp/server.properties
exec $java kafka.Kafka /tmp/server.properties
"""


@contextlib.contextmanager
def broker(namespace: Namespace, image: str) -> Iterator[Kafka]:
    """Start a broker that pods reach as kafka:9092; gives the tests' end of a tunnel to it."""
    with held_port() as port:
        _start(namespace, image, port)
        tunnel = subprocess.Popen(
            ["kubectl", "-n", namespace.name, "port-forward", "pod/kafka", f"{port}:9094"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            eventually(lambda: _answers(port), 120, "the tunnel to the broker is open")
            yield Kafka(f"127.0.0.1:{port}")
        finally:
            tunnel.terminate()
            tunnel.wait(10)
            namespace.kubectl("delete", "pod/kafka", "service/kafka", "--ignore-not-found")


def _start(namespace: Namespace, image: str, port: int) -> None:
    """The broker as a pod, which sends clients from outside to the tunnel's port."""
    command = ["bash", "-ceu", START.format(port=port)]
    probe = {"tcpSocket": {"port": 9094}, "periodSeconds": 1, "failureThreshold": 120}
    pod = workloads.pod("kafka", image, command, container={"startupProbe": probe})
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kafka"},
        "spec": {"selector": {"app": "kafka"}, "ports": [{"port": 9092}]},
    }
    namespace.apply(pod, service)
    namespace.kubectl("wait", "pod/kafka", "--for=condition=Ready", "--timeout=180s")


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
