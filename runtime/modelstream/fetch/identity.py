"""AWS without keys: the token of a pod's service account, changed for keys that last for an hour.

EKS' webhook (IRSA) gives the two variables to pods of an annotated service account; other clusters
and stores with an STS of their own (MinIO) are told in the same way.
"""

import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

from modelstream.errors import FetchError
from modelstream.fetch.address import AllowList
from modelstream.fetch.retry import TransientError

ROLE, TOKEN_FILE = "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"
ENDPOINT = "AWS_ENDPOINT_URL_STS"
_TIMEOUT = 30.0


def s3_keys(environment: Mapping[str, str], allow: AllowList) -> dict[str, str | bool]:
    """Options of pyarrow's S3 with temporary keys; empty where no web identity is given.

    Raises:
        FetchError: the token cannot be read, or STS refuses it.
        TransientError: STS does not answer.
    """
    role, file = environment.get(ROLE), environment.get(TOKEN_FILE)
    if not role or not file:
        return {}
    try:
        token = Path(file).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise FetchError(f"{TOKEN_FILE}: {error}") from error
    answer = _assume(_endpoint(environment, allow), role, token, environment)
    names = {"AccessKeyId": "access_key", "SecretAccessKey": "secret_key"} | {
        "SessionToken": "session_token"
    }
    return {option: _text(answer, name) for name, option in names.items()}


def _endpoint(environment: Mapping[str, str], allow: AllowList) -> str:
    """The STS of the region, or one of one's own, which is checked as every address is."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    suffix = ".cn" if region.startswith("cn-") else ""
    url = environment.get(ENDPOINT) or f"https://sts.{region}.amazonaws.com{suffix}"
    target = urlsplit(url)
    if target.scheme not in ("http", "https") or not target.hostname:
        raise FetchError(f"{ENDPOINT}: {url!r} is not an address: write https://host")
    if ENDPOINT in environment:
        allow.check_scheme(target.scheme, target.hostname)
        allow.resolve(target.hostname, target.port or 443)
    return url


def _assume(url: str, role: str, token: str, environment: Mapping[str, str]) -> bytes:
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": environment.get("AWS_ROLE_SESSION_NAME") or "modelstream",
        "WebIdentityToken": token,
    }
    try:
        with urllib.request.urlopen(url, urlencode(form).encode(), timeout=_TIMEOUT) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            said = _text(error.read(), "Message") or error.reason
        kind = TransientError if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR else FetchError
        raise kind(f"STS does not give {role} to this service account: {said}") from error
    except OSError as error:
        raise TransientError(f"STS at {url} does not answer: {error}") from error


def _text(document: bytes, name: str) -> str:
    """The text of the first element of that name, in whatever namespace; else empty."""
    try:
        elements = ElementTree.fromstring(document).iter()
    except ElementTree.ParseError:
        return ""
    found = (each.text for each in elements if each.tag.rpartition("}")[2] == name)
    return next(found, "") or ""
