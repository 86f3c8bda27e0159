from pathlib import Path

import pytest

from modelstream.errors import JobError
from modelstream.job.context import mounted_secret
from modelstream.job.secrets import Secrets
from modelstream_crds.v1alpha1 import SecretKey


def test_a_secret_option_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter22\n")
    secrets = Secrets(lambda name, key: tmp_path / key)
    keys = {"properties.sasl.jaas.config": SecretKey(name="kafka", key="password")}
    assert secrets.options(keys, "pipeline.source.secretOptions") == {
        "properties.sasl.jaas.config": "hunter22"
    }
    assert secrets.redact("login hunter22 failed") == "login ****** failed"


def test_a_missing_secret_names_option_secret_key_and_what_to_do(tmp_path: Path) -> None:
    secrets = Secrets(lambda name, key: tmp_path / "none")
    with pytest.raises(JobError) as error:
        secrets.options({"password": SecretKey(name="db", key="pw")}, "pipeline.sink.secretOptions")
    message = str(error.value)
    assert message.startswith("pipeline.sink.secretOptions.password: the Secret db has no readable")
    assert "--secret db/pw=FILE" in message


def test_a_pod_finds_secrets_where_they_are_mounted() -> None:
    assert mounted_secret("db", "pw") == Path("/etc/modelstream/secrets/db/pw")
