"""An S3 server for tests: moto."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs
from tests.support.ports import held_port, wait_for_port

ACCESS_KEY, SECRET_KEY, REGION = "test-access", "test-secret", "us-east-1"


@dataclass(frozen=True)
class S3:
    """A running server and what a test does with it."""

    endpoint: str

    @property
    def options(self) -> dict[str, str]:
        """What Flink needs to reach the server."""
        return {
            "s3.endpoint": self.endpoint,
            "s3.access-key": ACCESS_KEY,
            "s3.secret-key": SECRET_KEY,
            "s3.region": REGION,
            "s3.path.style.access": "true",
        }

    def files(self) -> Any:
        """The store as a pyarrow file system; paths start with the bucket."""
        return fs.S3FileSystem(
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            region=REGION,
            endpoint_override=self.endpoint,
            allow_bucket_creation=True,
        )

    def write(self, path: str, content: bytes) -> None:
        with self.files().open_output_stream(path) as stream:
            stream.write(content)

    def read(self, prefix: str) -> dict[str, bytes]:
        """Every object under the prefix, by its path."""
        store = self.files()
        selector = fs.FileSelector(prefix, recursive=True, allow_not_found=True)
        paths = [i.path for i in store.get_file_info(selector) if i.type == fs.FileType.File]
        found = {}
        for path in sorted(paths):
            with store.open_input_stream(path) as stream:
                found[path] = stream.read()
        return found


@contextlib.contextmanager
def server(directory: Path, *buckets: str) -> Iterator[S3]:
    """Start a server with the buckets; it ends with the block."""
    log = directory / "s3.log"
    with held_port() as port, log.open("wb") as out:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_for_port(port, process, log)
            store = S3(f"http://127.0.0.1:{port}")
            for bucket in buckets:
                store.files().create_dir(bucket)
            yield store
        finally:
            process.kill()
            process.wait()
