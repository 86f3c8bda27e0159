"""Kubernetes, as much of it as the operator needs: apply, adopt, delete, list, watch, leases.

The official client brings configuration, credentials and connections; the generated models stay
out of the way, so that a manifest is the same JSON in ``render``, in tests and on the wire.
"""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, Self
from urllib.parse import urlencode

import aiohttp
import orjson
from kubernetes.aio import client as kubernetes
from kubernetes.aio import config as kubernetes_config

from modelstream_operator import metrics
from modelstream_operator.names import MANAGER
from modelstream_operator.resources import LEASE, MODELSTREAM, Manifest, Ref, Resource
from modelstream_operator.slim import without_managed_fields

_ANY_NUMBER = 0
"""Of connections, as aiohttp has it."""

_TOO_LARGE = ("request is too large", "message larger than max")
"""What etcd says of an object that it does not take; the API server makes a 500 of it."""


class ApiError(Exception):
    """The API server refused a request, or could not be reached (status 0)."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def refused(self) -> bool:
        """Whether the same request will be refused again: the manifest or the place is at fault."""
        too_large = any(sign in str(self) for sign in _TOO_LARGE)
        return self.status in {400, 403, 409, 413, 422} or too_large

    @property
    def of_ending_namespace(self) -> bool:
        """Whether nothing can be made in a namespace because it is being deleted."""
        return self.status == 403 and "being terminated" in str(self)


class Cluster(Protocol):
    """What reconciling asks of Kubernetes; tests bring one in memory."""

    async def apply(self, manifest: Manifest, *, force: bool = True) -> Manifest:
        """Server-side apply of the full intent; returns the object as it is now."""

    def check(self, namespace: str) -> None:
        """Raise ApiError where this operator may not act: each of the other methods does too."""

    async def get(self, ref: Ref) -> Manifest | None:
        """An object as it is now; None where there is none."""

    async def streams(self, namespace: str) -> list[Manifest]:
        """Every ModelStream of a namespace as it is now."""

    async def apply_status(self, known: Manifest, status: Mapping[str, Any]) -> Manifest:
        """Server-side apply of the status subresource of an object that is still as it is known.

        Returns it as it is now; raises ApiError with status 409 where it has changed, or where
        another one has its name.
        """

    async def adopt(self, ref: Ref, uid: str, owner: Manifest) -> None:
        """Give an object that somebody else makes an owner; one that is gone is a success."""

    async def create(self, manifest: Manifest) -> Manifest:
        """Create an object; ApiError with status 409 where there is one."""

    async def delete(self, ref: Ref) -> None:
        """Delete in the background; an object that is not there is a success."""


class KubernetesCluster:
    """The Cluster of a real API server."""

    def __init__(
        self,
        api: kubernetes.ApiClient,
        timeout: float = 30.0,
        watching: kubernetes.ApiClient | None = None,
    ) -> None:
        self._api: Any = api  # parts of it have no annotations
        self._watching: Any = watching or api
        """Has connections of its own: each watch keeps one, and would leave none for requests."""
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=5.0)
        self.one_page = asyncio.Lock()
        """Held while a page of a list is read: those of all kinds at once fill the memory."""
        self.check: Callable[[str], None] = lambda namespace: None
        """Raises ApiError where this operator may not act."""

    @classmethod
    async def connect(cls, connections: int = 32, request_timeout: float = 30.0) -> Self:
        """Use the pod's service account, else the kubeconfig."""
        api, watching = await _client(connections), await _client(_ANY_NUMBER)
        return cls(api, request_timeout, watching)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()
        await self._watching.close()

    async def apply(self, manifest: Manifest, *, force: bool = True) -> Manifest:
        """Server-side apply of the full intent; returns the object as it is now."""
        ref = Ref.of(manifest)
        self.check(ref.namespace)
        query = {"fieldManager": MANAGER, "force": str(force).lower()}
        path = ref.resource.path(ref.namespace, ref.name)
        return await self._json("PATCH", path, query, manifest, verb="apply", kind=ref.kind)

    async def apply_status(self, known: Manifest, status: Mapping[str, Any]) -> Manifest:
        """Server-side apply of the status subresource of an object that is still as it is known."""
        ref, meta = Ref.of(known), known["metadata"]
        self.check(ref.namespace)
        identity = ("name", "namespace", "uid", "resourceVersion")
        body = {
            "apiVersion": ref.resource.api_version,
            "kind": ref.kind,
            "metadata": {name: meta[name] for name in identity},
            "status": dict(status),
        }
        path = ref.resource.path(ref.namespace, ref.name) + "/status"
        query = {"fieldManager": MANAGER, "force": "true"}
        found = await self._json("PATCH", path, query, body, verb="apply_status", kind=ref.kind)
        return without_managed_fields(found)

    async def adopt(self, ref: Ref, uid: str, owner: Manifest) -> None:
        """Give an object that somebody else makes an owner; one that is gone is a success."""
        self.check(ref.namespace)
        body = {"metadata": {"uid": uid, "ownerReferences": [owner]}}
        path = ref.resource.path(ref.namespace, ref.name)
        try:
            await self._json("PATCH", path, {}, body, verb="adopt", kind=ref.kind)
        except ApiError as error:
            if error.status not in {404, 409}:  # 409: another one has taken its name
                raise

    async def delete(self, ref: Ref) -> None:
        """Delete in the background; an object that is not there is a success."""
        self.check(ref.namespace)
        path = ref.resource.path(ref.namespace, ref.name)
        try:
            query = {"propagationPolicy": "Background"}
            await self._json("DELETE", path, query, verb="delete", kind=ref.kind)
        except ApiError as error:
            if error.status != 404:
                raise

    async def get(self, ref: Ref) -> Manifest | None:
        """An object as it is now; None where there is none."""
        path = ref.resource.path(ref.namespace, ref.name)
        try:
            return await self._json("GET", path, {}, verb="get", kind=ref.kind)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def create(self, manifest: Manifest) -> Manifest:
        """Create an object; ApiError with status 409 where there is one."""
        ref = Ref.of(manifest)
        if ref.kind != LEASE.kind:  # by which it comes about that this operator may act
            self.check(ref.namespace)
        path = ref.resource.path(ref.namespace)
        return await self._json("POST", path, {}, manifest, verb="create", kind=ref.kind)

    async def replace(self, manifest: Manifest) -> Manifest:
        """Write an object that is still of the manifest's version; ApiError 409 otherwise."""
        ref = Ref.of(manifest)
        path = ref.resource.path(ref.namespace, ref.name)
        return await self._json("PUT", path, {}, manifest, verb="replace", kind=ref.kind)

    async def page(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str]
    ) -> Manifest:
        """One page of a list as the server sends it, with its resourceVersion."""
        path = resource.path(namespace)
        return await self._json("GET", path, query, verb="list", kind=resource.kind)

    async def streams(self, namespace: str) -> list[Manifest]:
        """Every ModelStream of a namespace as it is now."""
        answer = await self.page(MODELSTREAM, namespace, {})
        return list(answer["items"])

    @asynccontextmanager
    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        query: Mapping[str, str],
        silence: float | None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of one watch; a stream that is silent for too long is an error.

        A stream that may be silent for ever (None) breaks when the server's machine is gone.
        """
        timeout = aiohttp.ClientTimeout(total=None, connect=5.0, sock_read=silence)
        path = resource.path(namespace)
        full = {**query, "watch": "true", "allowWatchBookmarks": "true"}
        async with self._send("GET", path, full, None, timeout, "watch", resource.kind) as answer:
            _keep_alive(answer)
            yield aiter(answer.content)

    async def _json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Manifest | None = None,
        *,
        verb: str,
        kind: str,
    ) -> Manifest:
        async with self._send(method, path, query, body, self._timeout, verb, kind) as answer:
            try:
                body_read: Manifest = orjson.loads(await answer.read())
                return body_read
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                text = str(error) or type(error).__name__  # a time-out says nothing
                raise ApiError(0, f"{method} {path}: {text}") from error

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Manifest | None,
        limit: aiohttp.ClientTimeout,
        verb: str,
        kind: str,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        started = time.monotonic()
        headers = {"Accept": "application/json"}
        if method == "PATCH":
            patch = "merge-patch+json" if verb == "adopt" else "apply-patch+yaml"
            headers["Content-Type"] = f"application/{patch}"
        try:
            method, url, headers, _, _ = await self._api.param_serialize(
                method, path, header_params=headers, auth_settings=["BearerToken"]
            )
            full = f"{url}?{urlencode({k: v for k, v in query.items() if v})}"
            client = self._watching if verb == "watch" else self._api
            answer = (
                await client.call_api(
                    method, full, header_params=headers, body=body, _request_timeout=limit
                )
            ).response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            metrics.api_call(verb, kind, 0, time.monotonic() - started)
            text = str(error) or type(error).__name__
            raise ApiError(0, f"{method} {path}: {text}") from error
        metrics.api_call(verb, kind, answer.status, time.monotonic() - started)
        async with answer:
            if answer.status >= 400:
                raise await _refusal(answer)
            yield answer


async def _client(connections: int) -> kubernetes.ApiClient:
    configuration = kubernetes.Configuration()
    load: Any = kubernetes_config  # its functions have no annotations
    try:
        load.load_incluster_config(client_configuration=configuration)
    except kubernetes_config.ConfigException:
        await load.load_kube_config(client_configuration=configuration)
    configuration.connection_pool_maxsize = connections
    return kubernetes.ApiClient(configuration)


def _keep_alive(answer: aiohttp.ClientResponse) -> None:
    """Let the kernel ask whether the other side is there, after half a minute of silence."""
    if answer.connection is None or answer.connection.transport is None:
        return
    stream = answer.connection.transport.get_extra_info("socket")
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # not every system has them
            stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)


async def _refusal(answer: aiohttp.ClientResponse) -> ApiError:
    """The error that a Status object of the API server tells of."""
    try:
        text = (await answer.read()).decode(errors="replace")
    except (aiohttp.ClientError, TimeoutError):  # the status came, and its reason did not
        text = ""
    try:
        status = json.loads(text)
        return ApiError(answer.status, status["message"], status.get("reason", ""))
    except (ValueError, KeyError, TypeError):
        return ApiError(answer.status, text.strip()[:500] or f"HTTP {answer.status}")
