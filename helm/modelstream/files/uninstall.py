"""Pre-delete hook: refuse to uninstall while ModelStreams exist.

Their deletion is ended by the operator; without it they, and their namespaces, would hang.
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ROOT = "/apis/modelstream.dev/v1alpha1"


FIRST = 20
"""ModelStreams of a collection that are named; the rest is counted."""


def ask(path: str) -> tuple[list[str], int]:
    """The first objects of a collection, and how many there are; none without the definition."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"}
    request = urllib.request.Request(f"https://{host}:{port}{path}?limit={FIRST}", headers=headers)
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            page: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return [], 0
        raise
    found = [item["metadata"] for item in page["items"]]
    names = [f"{each['namespace']}/{each['name']}" for each in found]
    return names, len(names) + page["metadata"].get("remainingItemCount", 0)


def main(namespaces: list[str]) -> int:
    """Say what is left; 1 if anything is, or if that cannot be known."""
    paths = [f"{ROOT}/namespaces/{each}/modelstreams" for each in namespaces]
    try:
        answers = [ask(path) for path in paths or [f"{ROOT}/modelstreams"]]
    except OSError as error:
        print(
            f"The API server does not say which ModelStreams there are ({error}). "
            "To uninstall without asking: helm uninstall --no-hooks"
        )
        return 1
    for name in (name for names, _ in answers for name in names):
        print(f"{name} is still there")
    if left := sum(count for _, count in answers):
        print(
            f"{left} ModelStreams are still there; without the operator nobody would end "
            "their deletion. Delete them first (kubectl delete modelstreams --all -A), "
            "or uninstall without asking: helm uninstall --no-hooks"
        )
    return 1 if left else 0


sys.exit(main([name for name in sys.argv[1].split(",") if name]))
