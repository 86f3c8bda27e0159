"""AWS' token service for tests: moto behind TLS, and what lets a JVM find it and trust it."""

import contextlib
import datetime
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from tests.support.ports import held_port, wait_for_port

REGION = "us-east-1"
PASSWORD = "changeit"
_REGIONS = """<?xml version="1.0"?>
<XML><Regions><Region><Name>{region}</Name><Domain>amazonaws.com</Domain><Endpoint>
<ServiceName>sts</ServiceName><Http>false</Http><Https>true</Https>
<Hostname>localhost:{port}</Hostname></Endpoint></Region></Regions></XML>
"""


@dataclass(frozen=True)
class Sts:
    """A running token service that gives every role to everybody."""

    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """What EKS' webhook gives to the containers of an annotated service account."""
        return {
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/state",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.directory / "token"),
            "AWS_REGION": REGION,
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        }

    @property
    def java_options(self) -> str:
        """Options with which the AWS SDK of a JVM takes this service for the region's."""
        return " ".join(
            (
                f"-Dcom.amazonaws.regions.RegionUtils.fileOverride={self.directory}/regions.xml",
                f"-Djavax.net.ssl.trustStore={self.directory}/trusted.p12",
                f"-Djavax.net.ssl.trustStorePassword={PASSWORD}",
            )
        )

    @property
    def asked(self) -> int:
        """Tokens that were changed for keys."""
        return (self.directory / "sts.log").read_text().count('"POST / HTTP')


@contextlib.contextmanager
def server(directory: Path) -> Iterator[Sts]:
    """Start one; it ends with the block."""
    (directory / "token").write_text("a.service-account.token")
    certificate, key = _certificate(directory)
    log = directory / "sts.log"
    with held_port() as port, log.open("wb") as out:
        (directory / "regions.xml").write_text(_REGIONS.format(region=REGION, port=port))
        where = ["-H", "127.0.0.1", "-p", str(port), "-c", str(certificate), "-k", str(key)]
        command = [sys.executable, "-m", "moto.server", *where]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_for_port(port, process, log)
            yield Sts(directory)
        finally:
            process.kill()
            process.wait()


def _certificate(directory: Path) -> tuple[Path, Path]:
    """Certificate and key for localhost; the certificate also where a JVM looks for its trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted = pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(signed, b"sts")],
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    (directory / "trusted.p12").write_bytes(trusted)
    certificate, private = directory / "sts.pem", directory / "sts.key"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private
