from pathlib import Path

import pytest
from tests.support import controlplane_binaries
from tests.support.controlplane_binaries import Binaries, BinariesMissingError, find
from tests.support.gomodules import BuildError


def _fake(directory: Path, version: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("etcd", "kube-apiserver"):
        script = directory / name
        script.write_text(f"#!/bin/sh\necho Kubernetes {version}\n")
        script.chmod(0o755)
    return directory


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing but a shell."""
    shell = tmp_path / "shell"
    shell.mkdir()
    (shell / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(shell))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path


def test_kubebuilder_assets_come_before_the_cache(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = _fake(bare / "assets", "v1.35.0")
    cache = _fake(bare / "cache", "v1.34.4")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert find(cache).etcd == assets / "etcd"


def test_the_cache_comes_before_the_path(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = _fake(bare / "cache", "v1.34.4")
    monkeypatch.setenv("PATH", f"{_fake(bare / 'path', 'v1.35.0')}:{bare / 'shell'}")
    assert find(cache).etcd == cache / "etcd"


def test_an_old_kubernetes_is_passed_over(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(_fake(bare / "assets", "v1.33.9")))
    cache = _fake(bare / "cache", "v1.34.0")
    assert find(cache).etcd == cache / "etcd"


def test_nothing_anywhere_is_one_line_that_says_what_is_missing(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(cache: Path) -> Binaries | None:
        raise BuildError("go get failed: no network")

    monkeypatch.setattr(controlplane_binaries, "build", no_network)
    with pytest.raises(BinariesMissingError) as missing:
        find(bare / "cache")
    said = str(missing.value)
    assert "\n" not in said
    for place in ("KUBEBUILDER_ASSETS", "cache", "PATH", "setup-envtest", "Go modules"):
        assert f"{place}: " in said
