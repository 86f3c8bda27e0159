"""The log of a run: one file of its own in the cache, which never grows beyond a few megabytes."""

import contextlib
import os
import re
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path

_KEPT = 10
"""Runs whose logs stay."""
_TAIL = 65536
_VARIABLE = "LOG4J_PROPERTIES"
_WARNING = re.compile(r"^\S+ \S+ (?:WARN|ERROR) +\S+ +(?:\[[^\]]*\] )?(?:- )?(.+)$", re.MULTILINE)
_PROPERTIES = """\
rootLogger.level = {level}
rootLogger.appenderRef.file.ref = file
appender.file.name = file
appender.file.type = RollingFile
appender.file.fileName = {file}
appender.file.filePattern = {file}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %-5p %-60c %x - %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 8MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
logger.hadoopnative.name = org.apache.hadoop.util.NativeCodeLoader
logger.hadoopnative.level = OFF
logger.tokens.name = org.apache.flink.runtime.security.token
logger.tokens.level = ERROR
logger.netty.name = org.jboss.netty.channel.DefaultChannelPipeline
logger.netty.level = OFF
logger.python.name = PythonWorker
logger.python.level = ALL
"""


def directory() -> Path:
    """Where logs are; XDG_CACHE_HOME is honoured."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "modelstream" / "logs"


def new(name: str) -> Path:
    """The log of a run that begins now."""
    return directory() / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"


@contextlib.contextmanager
def written(file: Path, environment: MutableMapping[str, str] | None = None) -> Iterator[None]:
    """A JVM of Flink that is started inside the block writes the log.

    Where the environment names a configuration of log4j already, or the cache is not writable,
    nothing is changed.
    """
    environment = os.environ if environment is None else environment
    if _VARIABLE in environment:
        yield
        return
    try:
        properties = _configured(file, environment.get("ROOT_LOG_LEVEL", "INFO"))
    except OSError:
        yield
        return
    environment[_VARIABLE] = str(properties)
    try:
        yield
    finally:
        del environment[_VARIABLE]


def _configured(file: Path, level: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    _tidy(file.parent)
    properties = file.with_suffix(".properties")
    properties.write_text(_PROPERTIES.format(file=file, level=level), encoding="utf-8")
    return properties


def last_warning(file: Path) -> str:
    """What the newest warning in a log says; empty where there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - _TAIL))
            tail = stream.read().decode(errors="replace")
    except OSError:
        return ""
    found = _WARNING.findall(tail)
    return found[-1].strip() if found else ""


def _tidy(root: Path) -> None:
    """Remove all but the newest runs' files."""
    logs = sorted(root.glob("*.log"), key=_changed, reverse=True)
    kept = {log.stem for log in logs[: _KEPT - 1]}
    for each in root.iterdir():
        if each.name.partition(".")[0] not in kept and each.is_file():
            each.unlink(missing_ok=True)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another run has removed it
        return 0
