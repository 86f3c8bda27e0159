"""The boundary to the JVM: what Java is asked stands in one package."""

import re
from pathlib import Path

import modelstream

PACKAGE = Path(modelstream.__file__).parent
JAVA = re.compile(r"\._j_\w+|\.getClass\(|(import|from) (py4j|pyflink\.(java_gateway|util))")


def test_java_is_asked_in_one_package() -> None:
    asking = {
        str(path.relative_to(PACKAGE).parent)
        for path in PACKAGE.rglob("*.py")
        if any(
            JAVA.search(line) for line in path.read_text().splitlines() if "getLogger" not in line
        )
    }
    assert asking == {"flink/jvm"}
