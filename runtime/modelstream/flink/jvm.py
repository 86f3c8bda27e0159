"""The boundary to the JVM: every py4j call of the job stands here."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def is_driver() -> bool:
    """Whether Flink's PythonDriver started this process, so that a cluster awaits the job."""
    return "PYFLINK_GATEWAY_PORT" in os.environ


def gateway() -> Any:
    """The py4j gateway; starts the JVM where none runs."""
    from pyflink.java_gateway import get_gateway

    return get_gateway()


def configuration(options: Mapping[str, str]) -> Any:
    """A pyflink Configuration with the options set."""
    from pyflink.common import Configuration

    filled = Configuration()
    for key, value in options.items():
        filled.set_string(key, value)
    return filled


def load_file_systems(options: Mapping[str, str], plugins: Iterable[Path]) -> None:
    """Make file systems from plugin directories (one a plugin) usable in this JVM.

    A cluster loads its plugins directory when it starts; an embedded one never does. The
    options hold the file systems' keys, such as ``s3.endpoint``: a file system reads them once.
    """
    jvm = gateway().jvm
    found = jvm.java.util.ArrayList()
    for plugin in plugins:
        parent = jvm.java.io.File(str(plugin)).toPath()
        found.addAll(
            jvm.org.apache.flink.core.plugin.DirectoryBasedPluginFinder(parent).findPlugins()
        )
    j_configuration = configuration(options)._j_configuration
    core = jvm.org.apache.flink.configuration.CoreOptions
    patterns = core.getPluginParentFirstLoaderPatterns(j_configuration)
    manager = jvm.org.apache.flink.core.plugin.DefaultPluginManager(found, patterns)
    jvm.org.apache.flink.core.fs.FileSystem.initialize(j_configuration, manager)


def sql_type(planned: Any) -> str:
    """A type of the planner as Flink SQL writes it: ``ARRAY<FLOAT>``.

    The planner has a class loader of its own, so that its classes are found only through it.
    """
    loader = planned.getClass().getClassLoader()
    factory = loader.loadClass("org.apache.flink.table.planner.calcite.FlinkTypeFactory")
    convert = next(each for each in factory.getMethods() if each.getName() == "toLogicalType")
    arguments = gateway().new_array(gateway().jvm.java.lang.Object, 1)
    arguments[0] = planned
    return str(convert.invoke(None, arguments).asSummaryString())


def causes(java_exception: Any) -> list[str]:
    """A Java exception and its causes, each as ``class: message``, the outermost first."""
    chain, seen = [], set()
    while java_exception is not None and (number := java_exception.hashCode()) not in seen:
        seen.add(number)
        chain.append(str(java_exception.toString()))
        java_exception = java_exception.getCause()
    return chain


@contextmanager
def default_options(options: Mapping[str, str]) -> Iterator[None]:
    """Environments that a program makes inside the block start with these options.

    What the program sets itself wins. In a cluster the same options come from the cluster's
    configuration; an embedded Flink has none, so the two ways to an environment are wrapped.
    """
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import EnvironmentSettings, TableEnvironment

    stream, table = StreamExecutionEnvironment.get_execution_environment, TableEnvironment.create

    def get_execution_environment(given: Any = None) -> Any:
        return stream(_with_defaults(given, options))

    def create(given: Any) -> Any:
        is_settings = isinstance(given, EnvironmentSettings)
        _with_defaults(given.get_configuration() if is_settings else given, options)
        return table(given)

    StreamExecutionEnvironment.get_execution_environment = staticmethod(get_execution_environment)
    TableEnvironment.create = staticmethod(create)
    try:
        yield
    finally:
        StreamExecutionEnvironment.get_execution_environment = staticmethod(stream)
        TableEnvironment.create = staticmethod(table)


def _with_defaults(given: Any, options: Mapping[str, str]) -> Any:
    merged = given if given is not None else configuration({})
    for key, value in options.items():
        if not merged.contains_key(key):
            merged.set_string(key, value)
    return merged
