"""The boundary to the JVM: what Java is asked stands in one package."""

import re
from pathlib import Path

import modelstream

PACKAGE = Path(modelstream.__file__).parent
JAVA = re.compile(
    r"\._j_\w+|\.(get|is|has|set)[A-Z]\w*\(|(import|from) (py4j|pyflink\.(java_gateway|util))"
)
PYTHON = re.compile(r"\.(getLogger|setLevel|HasField|isEnabledFor)\(")


def test_java_is_asked_in_one_package() -> None:
    asking = {
        str(path.relative_to(PACKAGE).parent)
        for path in PACKAGE.rglob("*.py")
        if any(JAVA.search(PYTHON.sub("", line)) for line in path.read_text().splitlines())
    }
    assert asking == {"flink/jvm"}
