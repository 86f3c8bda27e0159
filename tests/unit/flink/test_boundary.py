"""The boundary to the JVM: what Java is asked stands in one module."""

import re
from pathlib import Path

import modelstream

PACKAGE = Path(modelstream.__file__).parent
JAVA = re.compile(r"\._j_\w+|\.getClass\(|(import|from) (py4j|pyflink\.(java_gateway|util))")


def test_java_is_asked_in_one_module() -> None:
    asking = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(
            JAVA.search(line) for line in path.read_text().splitlines() if "getLogger" not in line
        )
    }
    assert asking == {"flink/jvm.py"}
