from pathlib import Path

import pytest

from modelstream.errors import FetchError
from modelstream.fetch import Sources, fetch


@pytest.mark.parametrize("uri", ["s3://", "s3:///fraud", "gs://", "gs:///fraud"])
def test_an_address_without_a_bucket_is_refused(tmp_path: Path, uri: str) -> None:
    scheme = uri.partition(":")[0]
    with pytest.raises(FetchError, match=f"{uri}.* names no bucket: write {scheme}://bucket/path"):
        fetch(uri, tmp_path / "m", sources=Sources({}))


def test_a_name_that_no_bucket_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"s3://my bucket.*bucket"):
        fetch("s3://my bucket/m", tmp_path / "m", sources=Sources({}))
