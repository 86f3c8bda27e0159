"""The classes that a JVM has loaded, written down for JVMs that start later."""

from pathlib import Path
from typing import Any

from modelstream.flink import jvm

RECORDED = "-XX:+RecordDynamicDumpInfo"
"""What the JVM is started with, so that its classes can be written down."""


def write(file: Path) -> None:
    """Write the classes of Flink's JVM, which goes on; nothing where it cannot.

    py4j calls no method of a class that is not public, as that of the server of beans is: so the
    method is asked of the interface.
    """
    gateway = jvm.gateway()
    java, beans = gateway.jvm.java.lang, gateway.jvm.javax.management
    methods = java.Class.forName("javax.management.MBeanServer").getMethods()
    invoke = next(each for each in methods if each.getName() == "invoke")
    server = java.management.ManagementFactory.getPlatformMBeanServer()
    name = beans.ObjectName("com.sun.management:type=DiagnosticCommand")
    words = _array(gateway, java.String, "dynamic_dump", str(file))
    kinds = _array(gateway, java.String, "[Ljava.lang.String;")
    given = _array(gateway, java.Object, words)
    invoke.invoke(server, _array(gateway, java.Object, name, "vmCds", given, kinds))


def _array(gateway: Any, kind: Any, *values: Any) -> Any:
    made = gateway.new_array(kind, len(values))
    for at, value in enumerate(values):
        made[at] = value
    return made
