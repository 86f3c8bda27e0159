"""Where etcd and kube-apiserver come from: found, released, or built; in this order.

KUBEBUILDER_ASSETS, our cache, PATH, the official release of the test binaries by setup-envtest,
a build from Go modules (minutes, once; kept in the cache). kube-controller-manager is in no
release of the test binaries.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import gomodules

KUBERNETES = "v1.34.4"
ETCD = "v3.6.5"
OLDEST_MINOR = 34
NAMES = ("etcd", "kube-apiserver")

SETUP_ENVTEST = "sigs.k8s.io/controller-runtime/tools/setup-envtest@latest"

_RELEASE_TIMEOUT = 90


class BinariesMissingError(RuntimeError):
    """There is no etcd or kube-apiserver, and none could be made."""


@dataclass(frozen=True)
class Binaries:
    """Paths of the executables of a control plane; kubectl only where there is one."""

    etcd: Path
    kube_apiserver: Path
    kubectl: Path | None

    @classmethod
    def in_directory(cls, directory: Path) -> "Binaries | None":
        """Those of ``directory``, where both are there and new enough."""
        paths = [directory / name for name in NAMES]
        if not all(os.access(path, os.X_OK) for path in paths) or not new_enough(paths[1]):
            return None
        return cls(paths[0], paths[1], _kubectl(directory))


def cache_directory() -> Path:
    """Where built and released binaries are kept between runs."""
    return gomodules.cache() / f"controlplane-{KUBERNETES}"


def find(cache: Path | None = None) -> Binaries:
    """The binaries of the first place that has or makes them.

    Raises:
        BinariesMissingError: no place has; says in one line what is missing where.
    """
    cache = cache or cache_directory()
    tried: list[str] = []
    with gomodules.alone(cache):
        for name, place in _places(cache):
            try:
                found = place()
            except (OSError, subprocess.SubprocessError, gomodules.BuildError) as error:
                tried.append(f"{name}: {_last_line(error)}")
                continue
            if found is not None:
                return found
            tried.append(f"{name}: not there")
    raise BinariesMissingError(
        f"etcd and kube-apiserver >= 1.{OLDEST_MINOR} are missing ({'; '.join(tried)}): set"
        " KUBEBUILDER_ASSETS to a directory that holds both"
    )


def controller_manager(cache: Path | None = None) -> Path:
    """kube-controller-manager: of KUBEBUILDER_ASSETS, our cache or PATH, else built.

    Raises:
        BuildError: there is none, and none can be built.
    """
    cache, name = cache or cache_directory(), "kube-controller-manager"
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    places = [Path(assets) / name] if assets else []
    installed = shutil.which(name)
    places += [cache / name, *([Path(installed)] if installed else [])]
    with gomodules.alone(cache):
        for found in places:
            if os.access(found, os.X_OK) and new_enough(found):
                return found
        _build_of_kubernetes(gomodules.go(), cache, name, "about 2 minutes")
    return cache / name


def _places(cache: Path) -> Iterator[tuple[str, Callable[[], Binaries | None]]]:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    yield "KUBEBUILDER_ASSETS", lambda: Binaries.in_directory(Path(assets)) if assets else None
    yield "cache", lambda: Binaries.in_directory(cache)
    yield "PATH", _on_path
    yield "setup-envtest", lambda: _released(cache)
    yield "Go modules", lambda: build(cache)


def _on_path() -> Binaries | None:
    etcd, apiserver = (shutil.which(name) for name in NAMES)
    if etcd is None or apiserver is None or not new_enough(Path(apiserver)):
        return None
    return Binaries(Path(etcd), Path(apiserver), _kubectl(Path(apiserver).parent))


def _kubectl(directory: Path) -> Path | None:
    beside = directory / "kubectl"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("kubectl")
    return Path(found) if found else None


def new_enough(program: Path) -> bool:
    """Whether it is a program of Kubernetes 1.34 or later."""
    said = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=120, check=False
    )
    version = re.search(r"v1\.(\d+)\.", said.stdout)
    return version is not None and int(version[1]) >= OLDEST_MINOR


def _released(cache: Path) -> Binaries | None:
    """The official release, where the internet answers; without it this ends at once."""
    tool = _setup_envtest(cache)
    if tool is None:
        return None
    minor = ".".join(KUBERNETES.removeprefix("v").split(".")[:2])
    gomodules.say(f"setup-envtest: fetching the test binaries of Kubernetes {minor}")
    said = subprocess.run(
        [tool, "use", f"{minor}.x!", "--bin-dir", str(cache / "envtest"), "-p", "path"],
        capture_output=True,
        text=True,
        timeout=_RELEASE_TIMEOUT,
        check=True,
    )
    return Binaries.in_directory(Path(said.stdout.strip()))


def _setup_envtest(cache: Path) -> str | Path | None:
    """The tool that knows where the test binaries are released; an installed Go makes it."""
    tool = cache / "tools" / "setup-envtest"
    installed, go = shutil.which("setup-envtest"), shutil.which("go")
    if installed or tool.exists() or go is None:
        return installed or (tool if tool.exists() else None)
    gomodules.say("building setup-envtest from its Go module (half a minute, once)")
    subprocess.run(
        [go, "install", SETUP_ENVTEST],
        env=os.environ | {"GOBIN": str(tool.parent), "GOFLAGS": ""},
        capture_output=True,
        timeout=_RELEASE_TIMEOUT,
        check=True,
    )
    return tool


def build(cache: Path) -> Binaries | None:
    """Both binaries, built from their Go modules into ``cache``.

    Each is built in a module of its own, and appears under its name only when it is whole.
    """
    cache.mkdir(parents=True, exist_ok=True)
    go = gomodules.go()
    if not (cache / "etcd").exists():
        gomodules.say(f"building etcd {ETCD} from Go modules (about a minute, once)")
        _build_etcd(go, cache)
    if not (cache / "kube-apiserver").exists():
        _build_of_kubernetes(go, cache, "kube-apiserver", "about 4 minutes")
    return Binaries.in_directory(cache)


def _build_etcd(go: Path, cache: Path) -> None:
    module = "go.etcd.io/etcd/server/v3"
    source = gomodules.scratch(go, cache, "etcd")
    gomodules.output([go, "get", f"{module}@{ETCD}"], source)
    gomodules.compiled(go, source, module, cache / "etcd")


def _build_of_kubernetes(go: Path, cache: Path, name: str, takes: str) -> None:
    gomodules.say(f"building {name} {KUBERNETES} from Go modules ({takes}, once)")
    source = gomodules.scratch(go, cache, name)
    gomodules.output([go, "mod", "download", f"k8s.io/kubernetes@{KUBERNETES}"], source)
    module_file = gomodules.output(
        [go, "list", "-m", "-f", "{{.GoMod}}", f"k8s.io/kubernetes@{KUBERNETES}"], source
    )
    text = Path(module_file).read_text(encoding="utf-8")
    gomodules.output([go, "mod", "edit", *_edits(text)], source)
    package = f"k8s.io/kubernetes/cmd/{name}"
    gomodules.output([go, "get", f"{package}@{KUBERNETES}"], source)
    major, minor = KUBERNETES.removeprefix("v").split(".")[:2]
    version = "k8s.io/component-base/version"
    flags = f"-X {version}.gitVersion={KUBERNETES} -X {version}.gitMajor={major}"
    flags += f" -X {version}.gitMinor={minor} -X {version}.gitTreeState=clean"
    gomodules.compiled(go, source, package, cache / name, flags)


def _edits(module_file: str) -> Iterator[str]:
    """Replacements of the modules that Kubernetes takes from its own tree, by their releases.

    The go line comes along: it decides about defaults that end up in the binary.
    """
    staging = KUBERNETES.replace("v1.", "v0.", 1)
    go_line = re.search(r"^go (\S+)$", module_file, re.MULTILINE)
    if go_line:
        yield f"-go={go_line[1]}"
    for name in re.findall(r"(k8s\.io/\S+) => \./staging/", module_file):
        yield f"-replace={name}={name}@{staging}"


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
