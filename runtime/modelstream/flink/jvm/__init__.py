"""The boundary to the JVM: every py4j call of the library stands here."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from modelstream.errors import OptionError
from modelstream.flink.jvm.connections import keep_apart
from modelstream.messages import excerpt

if TYPE_CHECKING:
    from pyflink.datastream import DataStream
    from pyflink.table import Table, TableEnvironment

_LONGEST = 2**31 - 1
_CHAINABLE = "org.apache.flink.streaming.api.transformations.PhysicalTransformation"
_NO_WATERMARKS = "NoWatermarksGenerator"
_FROM_TABLE = "TableToDataStream"


def is_driver() -> bool:
    """Whether Flink's PythonDriver started this process, so that a cluster awaits the job."""
    return "PYFLINK_GATEWAY_PORT" in os.environ


def gateway() -> Any:
    """The py4j gateway; starts the JVM where none runs."""
    from pyflink.java_gateway import get_gateway

    gateway = get_gateway()
    keep_apart(gateway._gateway_client)
    return gateway


def configuration(options: Mapping[str, str]) -> Any:
    """A pyflink Configuration with the options set."""
    from pyflink.common import Configuration

    filled = Configuration()
    for key, value in options.items():
        filled.set_string(key, value)
    return filled


class Options(Protocol):
    """The options of an environment."""

    def get(self, name: str, default: str) -> str:
        """The value of one; the default where it is not set."""

    def set(self, name: str, value: str) -> object:
        """Set one, for what is made from then on."""


class _StreamOptions:
    def __init__(self, j_environment: Any) -> None:
        from pyflink.util.java_utils import get_j_env_configuration

        self._options = get_j_env_configuration(j_environment)

    def get(self, name: str, default: str) -> str:
        return str(self._options.toMap().get(name) or default)

    def set(self, name: str, value: str) -> object:
        return self._options.setString(name, value)


def options(owner: Any) -> Options:
    """The options of a TableEnvironment, a StreamExecutionEnvironment, or a DataStream's.

    Raises:
        OptionError: it is something else.
    """
    if hasattr(owner, "_j_data_stream"):
        return _StreamOptions(owner._j_data_stream.getExecutionEnvironment())
    if hasattr(owner, "_j_stream_execution_environment"):
        return _StreamOptions(owner._j_stream_execution_environment)
    if not hasattr(owner, "get_config"):
        raise OptionError(
            f"a TableEnvironment, a StreamExecutionEnvironment or a DataStream belongs here, not "
            f"{excerpt(owner)} ({type(owner).__name__})"
        )
    found: Options = owner.get_config()
    return found


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


@contextmanager
def planned(options: Mapping[str, str]) -> Iterator[Callable[[], bool]]:
    """Flink plans the job that is submitted inside the block, and runs none.

    The submission raises: nothing of a program is done that comes after it. What is given tells
    whether there was a job, whose plan is whole.
    """
    jvm = gateway().jvm
    client = jvm.org.apache.flink.client.program
    j_configuration = configuration(options)._j_configuration  # brings its pipeline.jars along
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    environment = client.StreamPlanEnvironment(j_configuration, loader, -1)
    environment.setAsContext()
    try:
        yield lambda: environment.getPipeline() is not None
    finally:
        environment.unsetAsContext()


def _with_defaults(given: Any, options: Mapping[str, str]) -> Any:
    merged = given if given is not None else configuration({})
    for key, value in options.items():
        if not merged.contains_key(key):
            merged.set_string(key, value)
    return merged


def is_query(table: "Table") -> bool:
    """Whether a table is more than what a source or a stream gives, so that it may pin columns."""
    operation = table._j_table.getQueryOperation()
    if operation.getClass().getSimpleName() != "SourceQueryOperation":
        return "Stream" not in operation.getClass().getSimpleName()
    resolved = operation.getContextResolvedTable().getResolvedTable()
    return bool(resolved.getClass().getSimpleName() == "ResolvedCatalogView")


def types_of(table: "Table") -> dict[str, str]:
    """Name → Flink SQL type of every column, as one writes it."""
    columns = table._j_table.getResolvedSchema().getColumns()
    return {
        str(column.getName()): _written(column.getDataType().getLogicalType()) for column in columns
    }


def _written(logical_type: Any) -> str:
    """STRING and BYTES are Flink's own names for text and bytes of the greatest length."""
    text = str(logical_type.asSerializableString())
    for long, short in (("VARCHAR", "STRING"), ("VARBINARY", "BYTES")):
        text = text.replace(f"{long}({_LONGEST})", short)
    return text


def has_event_time(stream: "DataStream") -> bool:
    """Whether every record of a stream has a time, and watermarks come with them.

    A table that asks a record without a time for one fails; so where it cannot be told, it is no.
    """
    return _is_timed(stream._j_data_stream.getTransformation())


def _is_timed(transformation: Any) -> bool:
    if transformation.getName() == _FROM_TABLE:
        return _takes_time_along(transformation)
    match transformation.getClass().getSimpleName():
        case "TimestampsAndWatermarksTransformation":
            return True
        case "SourceTransformation":
            return _has_watermarks(transformation.getWatermarkStrategy())
        case _:
            inputs = list(transformation.getInputs())
            return bool(inputs) and all(map(_is_timed, inputs))


def _takes_time_along(conversion: Any) -> bool:
    """A table becomes a stream with times when it has a rowtime column, or hands one over."""
    (table,) = conversion.getInputs()
    columns = str(table.getOutputType().toString())
    return "*ROWTIME*" in columns or "rowtime=true" in str(conversion.getDescription())


def _has_watermarks(strategy: Any) -> bool:
    from py4j.protocol import Py4JJavaError

    try:
        generator = strategy.createWatermarkGenerator(None)
    except Py4JJavaError:  # it looks at the context that is missing here: it has something to do
        return True
    return str(generator.getClass().getSimpleName()) != _NO_WATERMARKS


def end_chain(stream: "DataStream") -> None:
    """Chain nothing to the last operator of a stream, whatever is made of it."""
    from pyflink.util.java_utils import is_instance_of

    last = stream._j_data_stream.getTransformation()
    if is_instance_of(last, _CHAINABLE):  # not a union or a partitioning
        operators = gateway().jvm.org.apache.flink.streaming.api.operators
        last.setChainingStrategy(operators.ChainingStrategy.NEVER)


def has_old_source(stream: "DataStream") -> bool:
    """Whether the records of a stream come from a source of the old interface."""
    return _is_old(stream._j_data_stream.getTransformation())


def table_sources(table: "Table") -> Iterator[str]:
    """What feeds a table: connectors by name, streams of old sources, and what else there is."""
    return _sources(table._j_table.getQueryOperation(), table)


def _sources(operation: Any, table: "Table") -> Iterator[str]:
    """The connector of each source, or what it is."""
    children = operation.getChildren()
    match operation.getClass().getSimpleName():
        case "SourceQueryOperation":
            yield from _catalog_sources(operation.getContextResolvedTable(), table)
        case "PlannerQueryOperation":
            yield from _planned_sources(operation.getCalciteTree(), table)
        case kind if "Stream" in kind or "External" in kind:
            if _is_old(operation.getDataStream().getTransformation()):
                yield "a stream"
        case kind if len(children) == 0:
            yield kind
    for index in range(len(children)):
        yield from _sources(children[index], table)


def _catalog_sources(found: Any, table: "Table") -> Iterator[str]:
    resolved = found.getResolvedTable()
    if resolved.getClass().getSimpleName() != "ResolvedCatalogView":
        yield str(resolved.getOptions().get("connector"))
        return
    origin = resolved.getOrigin()
    if origin.getClass().getSimpleName() == "QueryOperationCatalogView":
        yield from _sources(origin.getQueryOperation(), table)
    else:
        query = table._t_env.sql_query(resolved.getExpandedQuery())
        yield from _sources(query._j_table.getQueryOperation(), query)


def _planned_sources(node: Any, table: "Table") -> Iterator[str]:
    """The sources of a query that the planner has parsed already."""
    inputs = node.getInputs()
    scanned = node.getTable()
    if scanned is not None and any("*" in name for name in scanned.getQualifiedName()):
        yield "a table without a name"
    elif scanned is not None:
        path = ".".join(f"`{name.replace('`', '``')}`" for name in scanned.getQualifiedName())
        source = table._t_env.from_path(path)
        yield from _sources(source._j_table.getQueryOperation(), source)
    for index in range(inputs.size()):
        yield from _planned_sources(inputs.get(index), table)


def _is_old(transformation: Any) -> bool:
    before = transformation.getTransitivePredecessors()
    return "LegacySourceTransformation" in {each.getClass().getSimpleName() for each in before}


def parsed(t_env: "TableEnvironment", insert: str) -> Any:
    """The tree that Flink's planner has of an INSERT."""
    operation = t_env._j_tenv.getParser().parse(insert).get(0)
    return operation.getChild().getCalciteTree()


def kind(found: Any) -> str:
    """The name of an object's class in Java, without its package."""
    return str(found.getClass().getSimpleName())


def field(java_object: Any, name: str) -> Any:
    """A public field of a Java object, which py4j takes for a method."""
    from py4j.java_gateway import get_field

    return get_field(java_object, name)


def is_insert(j_result: Any) -> bool:
    """Whether the job writes to its sinks, instead of giving its rows to the program."""
    from pyflink.util.java_utils import get_field

    provider = get_field(j_result.getClass(), "resultProvider")
    return provider is not None and str(
        provider.get(j_result).getClass().getSimpleName()
    ).startswith("InsertResult")
