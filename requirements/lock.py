"""Write the pinned requirements of the development set-up from the packages that are installed.

Run `python requirements/lock.py` after `pip install` of what pyproject.toml asks for, into a
clean environment.
"""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).parent
# The development set-up has no GPU: without the CUDA half TensorFlow is a third of the size.
STAND_IN = {"tensorflow": "tensorflow-cpu"}
# Asked for by the environment itself, not by the project.
LEFT_OUT = {"pip", "setuptools", "modelstream"}


def canonical(name: str) -> str:
    """The name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(requirements: list[str]) -> dict[str, str]:
    """Name → version of everything that the requirements need, as installed."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = [Requirement(line) for line in requirements]
    while queue:
        wanted = queue.pop()
        name = canonical(STAND_IN.get(wanted.name, wanted.name))
        if (name, frozenset(wanted.extras)) in seen:
            continue
        seen.add((name, frozenset(wanted.extras)))
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            raise SystemExit(f"{name} is not installed: pip install {wanted}") from None
        if name not in LEFT_OUT:
            found[name] = installed.version
        for line in installed.requires or []:
            needed = Requirement(line)
            extras = wanted.extras or {""}
            if not needed.marker or any(needed.marker.evaluate({"extra": e}) for e in extras):
                queue.append(needed)
    return found


def main() -> None:
    """Write runtime.txt, operator.txt and dev.txt beside this file."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    core = project["dependencies"]
    # What builds the project in place, as pip does not pin that.
    build = ["hatchling", "editables"]
    sets = {
        "runtime": core + extras["runtime"] + build,
        "operator": core + extras["operator"],
        "dev": core
        + [line for name in ("runtime", "operator", "dev") for line in extras[name]]
        + build,
    }
    for name, requirements in sets.items():
        lines = [f"{package}=={version}" for package, version in sorted(pins(requirements).items())]
        (HERE / f"{name}.txt").write_text(
            "# Written by requirements/lock.py\n" + "\n".join(lines) + "\n"
        )
        print(f"{name}.txt: {len(lines)} packages")


if __name__ == "__main__":
    main()
