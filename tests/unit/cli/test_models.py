from pathlib import Path

import pytest

from modelstream.cli.exits import UsageError
from modelstream.cli.models import at_hand, cache_root, model_paths
from modelstream.errors import DigestMismatchError, FetchError
from modelstream.fetch import digest_of
from modelstream_crds.v1alpha1 import Model


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "fraud").mkdir()
    (tmp_path / "fraud" / "saved_model.pb").write_bytes(b"graph")
    return tmp_path / "fraud"


def fraud(uri: str, **more: str) -> Model:
    return Model.model_validate({"name": "fraud", "uri": uri, **more})


def test_a_model_that_was_given_stands_for_the_one_in_the_manifest(directory: Path) -> None:
    models = [fraud("pvc://models/fraud", digest="sha256:" + "0" * 64)]
    assert model_paths(models, {"fraud": str(directory)}, {}) == {"fraud": directory}


def test_a_claim_is_a_directory_that_was_mounted(directory: Path) -> None:
    paths = model_paths([fraud("pvc://models/fraud")], {}, {"models": directory.parent})
    assert paths == {"fraud": directory}


@pytest.mark.parametrize("uri", ["pvc://models/fraud", "image://r/m@sha256:" + "0" * 64])
def test_what_exists_only_in_a_cluster_must_be_given(uri: str) -> None:
    with pytest.raises(UsageError, match="only in a cluster: give --model fraud=PATH"):
        model_paths([fraud(uri)], {}, {})


def test_a_file_is_where_it_is(directory: Path) -> None:
    assert model_paths([fraud(directory.as_uri())], {}, {}) == {"fraud": directory}


def test_a_file_with_another_digest_is_refused(directory: Path) -> None:
    asked = "sha256:" + "0" * 64
    with pytest.raises(DigestMismatchError, match=f"expected {asked}, got {digest_of(directory)}"):
        model_paths([fraud(directory.as_uri(), digest=asked)], {}, {})


def test_a_model_that_the_manifest_does_not_have_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="no model of that name; it has fraud"):
        model_paths([fraud("file:///m")], {"froud": "/m"}, {})


def test_what_was_fetched_by_digest_is_not_fetched_again(directory: Path) -> None:
    """The host does not exist: only the cache can answer."""
    from modelstream.cli.models import _cache_name
    from modelstream.fetch import fetch

    uri, digest = "https://models.invalid/fraud.tgz", digest_of(directory)
    fetch(str(directory), cache_root() / _cache_name(uri, digest))
    assert digest_of(at_hand(uri, digest)) == digest


def test_without_a_digest_the_address_is_asked_again(directory: Path) -> None:
    from modelstream.cli.models import _cache_name
    from modelstream.fetch import fetch

    uri = "https://models.invalid/fraud.tgz"
    fetch(str(directory), cache_root() / _cache_name(uri, None))
    with pytest.raises(FetchError, match="not known"):
        at_hand(uri)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        pytest.param("pvc://models/fraud", "give the directory", id="a claim"),
        pytest.param("image://r/m", "give the directory", id="an image"),
        pytest.param("ftp://host/m", "use file, https, s3, gs or hf", id="no scheme of ours"),
        pytest.param("FILE:///models/m", "use file, https", id="capitals"),
    ],
)
def test_an_address_that_is_no_path_is_told_as_an_address(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"{address}: .* cannot be fetched: .*{said}"):
        at_hand(address)


def test_a_path_with_a_colon_and_slashes_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd:" / "m").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert at_hand("odd://m") == Path("odd:/m")
