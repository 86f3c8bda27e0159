"""The environment of a DataStream, as far as models need to know or to set it."""

from typing import TYPE_CHECKING, Any

from modelstream.flink import environment

if TYPE_CHECKING:
    from pyflink.datastream import DataStream


def option(stream: "DataStream", name: str, default: str = "") -> str:
    """The value of a Flink option of the stream's environment."""
    return str(_configuration(stream).toMap().get(name) or default)


def refuse_thread_mode(stream: "DataStream") -> None:
    """Python functions of this library need a process of their own.

    Raises:
        OptionError: the environment runs them in the JVM's threads.
    """
    environment.refuse_thread_mode(option(stream, environment.EXECUTION_MODE, "process"))


def _configuration(stream: "DataStream") -> Any:
    from pyflink.util.java_utils import get_j_env_configuration

    return get_j_env_configuration(stream._j_data_stream.getExecutionEnvironment())
