import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer

from modelstream.errors import FetchError
from modelstream.fetch import Sources, fetch, objectstore
from modelstream.fetch.address import ALLOW, AllowList


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """The environment in which ``s3://models`` is a bucket of a local server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="key",
    )
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="models", Key="fraud/1/saved_model.pb", Body=b"graph")
    s3.put_object(Bucket="models", Key="fraud/1/variables/v", Body=b"values" * 1000)
    yield {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_REGION": "us-east-1",
        ALLOW: f"http://{host}",
    }
    server.stop()


def test_every_object_below_a_key(store: dict[str, str], tmp_path: Path) -> None:
    fetched = fetch("s3://models/fraud", tmp_path / "m", sources=Sources(store))
    assert (fetched.files, fetched.bytes) == (2, 6005)
    assert (tmp_path / "m" / "1" / "saved_model.pb").read_bytes() == b"graph"


def test_one_object(store: dict[str, str], tmp_path: Path) -> None:
    fetch("s3://models/fraud/1/saved_model.pb", tmp_path / "m", sources=Sources(store))
    assert (tmp_path / "m" / "saved_model.pb").read_bytes() == b"graph"


@pytest.mark.parametrize("uri", ["s3://models/absent", "s3://nobucket/fraud"])
def test_a_key_that_is_not_there(store: dict[str, str], tmp_path: Path, uri: str) -> None:
    with pytest.raises(FetchError, match="not found"):
        fetch(uri, tmp_path / "m", sources=Sources(store))


def test_the_cap_holds(store: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="larger than the 100 bytes"):
        fetch("s3://models/fraud", tmp_path / "m", max_bytes=100, sources=Sources(store))
    assert list(tmp_path.iterdir()) == []


def test_a_private_endpoint_needs_permission(store: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=f"set {ALLOW}="):
        fetch("s3://models/fraud", tmp_path / "m", sources=Sources({**store, ALLOW: ""}))


@pytest.fixture
def identity(store: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The variables of a pod of a service account that may take a role, and no keys."""
    token = tmp_path / "token"
    token.write_text("a.service-account.token\n")
    keyless = {name: value for name, value in store.items() if "KEY" not in name}
    return {
        **keyless,
        "AWS_ENDPOINT_URL_STS": store["AWS_ENDPOINT_URL"],
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/models",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
    }


def test_a_service_account_s_token_is_changed_for_keys(
    identity: dict[str, str], tmp_path: Path
) -> None:
    options = objectstore._s3_options("models", AllowList.of(identity), identity)
    fetched = fetch("s3://models/fraud", tmp_path / "m", sources=Sources(identity))

    assert str(options["access_key"]).startswith("ASIA"), "temporary keys"
    assert options["session_token"]
    assert fetched.files == 2


def test_keys_that_are_given_go_before_a_service_account(
    store: dict[str, str], identity: dict[str, str]
) -> None:
    options = objectstore._s3_options("models", AllowList.of(store), identity | store)

    assert options["access_key"] == "id"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere"}, "TOKEN_FILE: .*No such", id="no token"
        ),
        pytest.param({"AWS_ENDPOINT_URL_STS": "sts"}, "write https://host", id="no address"),
        pytest.param(
            {"AWS_ENDPOINT_URL_STS": "https://10.0.0.1"}, f"set {ALLOW}=10.0.0.1", id="private STS"
        ),
    ],
)
def test_an_identity_that_cannot_be_used(
    identity: dict[str, str], tmp_path: Path, change: dict[str, str], words: str
) -> None:
    with pytest.raises(FetchError, match=words):
        fetch("s3://models/fraud", tmp_path / "m", sources=Sources(identity | change))


def test_a_role_that_is_refused(identity: dict[str, str], plain_web: Any, tmp_path: Path) -> None:
    error = "<Code>AccessDenied</Code><Message>Not authorized to assume it</Message>"
    answer = f"<ErrorResponse xmlns='https://sts'><Error>{error}</Error></ErrorResponse>"
    plain_web.pages["/"] = lambda request: respond(request, answer.encode(), 403)
    here = {"AWS_ENDPOINT_URL_STS": f"{plain_web.url}/", ALLOW: "http://localhost,http://127.0.0.1"}

    with pytest.raises(FetchError, match="role/models to this service account: Not authorized"):
        fetch("s3://models/fraud", tmp_path / "m", sources=Sources(identity | here))


def test_a_google_bucket(plain_web: Any, tmp_path: Path) -> None:
    """The two calls of Google's JSON API that a download makes."""
    objects = {"fraud/saved_model.pb": b"graph", "fraud/variables/v": b"values"}

    def describe(name: str) -> dict[str, object]:
        size = str(len(objects[name]))
        return {"kind": "storage#object", "name": name, "bucket": "models", "size": size}

    def listing(request: Any) -> None:
        prefix = parse_qs(urlsplit(request.path).query).get("prefix", [""])[0]
        items = [describe(name) for name in objects if name.startswith(prefix)]
        respond(request, json.dumps({"kind": "storage#objects", "items": items}).encode())

    def described(name: str) -> Any:
        entry = json.dumps(describe(name)).encode()
        return lambda request: respond(
            request, objects[name] if "alt=media" in request.path else entry
        )

    plain_web.pages["/storage/v1/b/models/o"] = listing
    for name in objects:
        plain_web.pages[f"/models/{name}"] = lambda request, name=name: respond(
            request, objects[name]
        )
        for spelt in {name, name.replace("/", "%2F")}:
            plain_web.pages[f"/storage/v1/b/models/o/{spelt}"] = described(name)
    environment = {"STORAGE_EMULATOR_HOST": plain_web.url, ALLOW: "http://localhost"}
    fetched = fetch("gs://models/fraud", tmp_path / "m", sources=Sources(environment))
    assert (fetched.files, fetched.bytes) == (2, 11)


def respond(request: Any, body: bytes, status: int = 200) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
