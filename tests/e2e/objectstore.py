"""An object store as a pod: as much of S3 as a model's download asks for, over a claim.

    python objectstore.py ROOT KEY     buckets are the directories of ROOT, KEY is let in

Nothing of this project is imported: a ConfigMap brings the file into the pod.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PORT = 9000


def handler(root: Path, key: str) -> type[BaseHTTPRequestHandler]:
    """Answers the requests of one store."""

    class Store(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if f"Credential={key}/" not in self.headers.get("Authorization", ""):
                self.fail(403, "AccessDenied")
                return
            target = urlsplit(self.path)
            query, place = parse_qs(target.query), root / unquote(target.path).strip("/")
            if "list-type" in query:
                self.answer(200, listing(place, query).encode(), "application/xml")
            elif place.is_file():
                self.content(place.read_bytes())
            elif place.parent == root and place.is_dir():
                self.answer(200, b"", "application/xml")
            else:
                self.fail(404, "NoSuchKey")

        do_HEAD = do_GET

        def content(self, body: bytes) -> None:
            """The object, or the part of it that was asked for."""
            span = self.headers.get("Range", "").removeprefix("bytes=")
            if not span:
                self.answer(200, body, "application/octet-stream")
                return
            first, _, last = span.partition("-")
            end = min(int(last), len(body) - 1) if last else len(body) - 1
            part = body[int(first) : end + 1]
            self.answer(206, part, "application/octet-stream", f"bytes {first}-{end}/{len(body)}")

        def fail(self, code: int, word: str) -> None:
            error = f"<Error><Code>{word}</Code><Message>{word}</Message></Error>"
            self.answer(code, error.encode(), "application/xml")

        def answer(self, code: int, body: bytes, kind: str, span: str = "") -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            if span:
                self.send_header("Content-Range", span)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Store


def listing(bucket: Path, query: dict[str, list[str]]) -> str:
    """The keys of a bucket below a prefix; with a delimiter the directories as common prefixes."""
    prefix, flat = query.get("prefix", [""])[0], "delimiter" not in query
    contents, common, count = "", set(), 0
    for file in sorted(each for each in bucket.rglob("*") if each.is_file()):
        key = file.relative_to(bucket).as_posix()
        if not key.startswith(prefix):
            continue
        below, slash, _ = key.removeprefix(prefix).partition("/")
        if slash and not flat:
            common.add(f"{prefix}{below}/")
            continue
        count += 1
        contents += (
            f"<Contents><Key>{escape(key)}</Key><Size>{file.stat().st_size}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        )
    prefixes = "".join(
        f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>"
        for each in sorted(common)
    )
    return (
        f"<ListBucketResult><Name>{bucket.name}</Name><Prefix>{escape(prefix)}</Prefix>"
        f"<KeyCount>{count + len(common)}</KeyCount>"
        f"<IsTruncated>false</IsTruncated>{contents}{prefixes}</ListBucketResult>"
    )


if __name__ == "__main__":
    served = handler(Path(sys.argv[1]), sys.argv[2])
    ThreadingHTTPServer(("", PORT), served).serve_forever()
