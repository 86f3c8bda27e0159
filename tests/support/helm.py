"""Where helm comes from: PATH, our cache, a build from its Go module (minutes, once)."""

import functools
import shutil
from pathlib import Path

from tests.support import gomodules

HELM = "v3.19.0"


@functools.cache
def helm() -> Path:
    """The executable.

    Raises:
        BuildError: there is none, and none can be built; says in one line how to get it.
    """
    installed = shutil.which("helm")
    if installed:
        return Path(installed)
    directory = gomodules.cache() / f"helm-{HELM}"
    with gomodules.alone(directory):
        if not (directory / "helm").exists():
            _build(directory)
    return directory / "helm"


def _build(directory: Path) -> None:
    gomodules.say(f"building helm {HELM} from its Go module (a few minutes, once)")
    package = "helm.sh/helm/v3/cmd/helm"
    try:
        go = gomodules.go()
        source = gomodules.scratch(go, directory, "helm")
        gomodules.output([go, "get", f"{package}@{HELM}"], source)
        gomodules.compiled(go, source, package, directory / "helm")
    except (OSError, gomodules.BuildError) as error:
        raise gomodules.BuildError(
            f"helm is not on PATH and cannot be built ({str(error).splitlines()[-1]}): install"
            " helm 3 as helm.sh/docs/intro/install says"
        ) from error
