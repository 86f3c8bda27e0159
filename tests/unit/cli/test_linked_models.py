"""Models made of symbolic links: each command takes them, or refuses them by the same words."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from modelstream.cli import main
from modelstream.cli.exits import Exit
from modelstream.cli.run import Request, run
from modelstream.convert.protos import message
from modelstream.errors import FetchError
from modelstream.fetch import digest_of

SOURCE = {"connector": "datagen", "schema": [{"name": "x", "type": "FLOAT"}]}
PIPELINE = {"source": SOURCE, "inference": {"model": "m"}, "sink": {"connector": "print"}}


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[[Path], Path]:
    def write(model: Path) -> Path:
        spec = {"models": [{"name": "m", "uri": f"file://{model}"}], "pipeline": PIPELINE}
        file = tmp_path / "job.yaml"
        whole = {"apiVersion": "modelstream.dev/v1alpha1", "kind": "ModelStream"}
        file.write_text(yaml.safe_dump({**whole, "metadata": {"name": "m"}, "spec": spec}))
        return file

    return write


def model(root: Path) -> Path:
    """A SavedModel without signatures: enough for what reads files."""
    saved = message("SavedModel")()
    saved.meta_graphs.add().meta_info_def.tags.append("serve")
    (root / "variables").mkdir(parents=True)
    (root / "saved_model.pb").write_bytes(saved.SerializeToString())
    (root / "variables" / "v.index").write_bytes(b"index")
    return root


def linked(root: Path) -> Path:
    """The same, of links to files and to a directory below it."""
    real = model(root / "..2026")
    (root / "..data").symlink_to("..2026")
    for name in ("saved_model.pb", "variables"):
        (root / name).symlink_to(f"..data/{name}")
    return root if real.is_dir() else real


def test_links_inside_of_a_model_are_followed_by_every_command(
    tmp_path: Path, manifest: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    plain, links = model(tmp_path / "plain"), linked(tmp_path / "links")
    digest = digest_of(plain)
    assert main(["inspect", str(links), "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["digest"] == digest
    assert main(["verify", str(manifest(links))]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["models"][0]["digest"] == digest
    assert main(["fetch", str(links), str(tmp_path / "there")]) == Exit.DONE
    assert digest_of(tmp_path / "there") == digest
    assert not [each for each in (tmp_path / "there").rglob("*") if each.is_symlink()]
    assert main(["validate", str(manifest(links))]) == Exit.REFUSED
    assert "model 'm' has no signature" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        pytest.param("/etc", "leads out of the model, to /etc", id="a directory outside"),
        pytest.param("/etc/passwd", "leads out of the model, to /etc/passwd", id="a file outside"),
        pytest.param("../plain", "leads out of the model, to ../plain", id="beside it"),
        pytest.param("..", "leads", id="above it"),
        pytest.param(".", "a circle", id="a circle"),
        pytest.param("gone", "leads to gone, which is not there", id="nothing"),
    ],
)
def test_a_link_that_leads_elsewhere_is_refused_by_every_command(
    tmp_path: Path,
    manifest: Callable[[Path], Path],
    capsys: pytest.CaptureFixture[str],
    target: str,
    message: str,
) -> None:
    model(tmp_path / "plain")
    bad = model(tmp_path / "bad")
    (bad / "assets").symlink_to(target)
    file = str(manifest(bad))
    fetch = ["fetch", str(bad), f"{bad}2"]
    tried = ["predict", str(bad), "--record", "{}"]
    for command in (["inspect", str(bad)], tried, ["verify", file], fetch, ["validate", file]):
        assert main(command) != Exit.DONE
        said = capsys.readouterr().err
        assert f"{bad}/assets: the link" in said
        assert message in said
        assert "Traceback" not in said
    with pytest.raises(FetchError, match=message):
        run(Request(Path(file)))
    assert not (tmp_path / "bad2").exists()
