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


def ask(path: str) -> list[dict[str, Any]]:
    """The objects of a collection; none where the definition is gone."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"}
    request = urllib.request.Request(f"https://{host}:{port}{path}", headers=headers)
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return [item["metadata"] for item in json.load(answer)["items"]]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return []
        raise


def main(namespaces: list[str]) -> int:
    """Say what is left; 1 if anything is."""
    paths = [f"{ROOT}/namespaces/{each}/modelstreams" for each in namespaces]
    found = [each for path in paths or [f"{ROOT}/modelstreams"] for each in ask(path)]
    for each in found:
        print(f"{each['namespace']}/{each['name']} is still there")
    if found:
        print(
            f"{len(found)} ModelStreams are still there; without the operator nobody would end "
            "their deletion. Delete them first (kubectl delete modelstreams --all -A), "
            "or set uninstall.refuse=false."
        )
    return 1 if found else 0


sys.exit(main([name for name in sys.argv[1].split(",") if name]))
