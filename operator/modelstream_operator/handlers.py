"""Kopf's side: every handler wakes the loop of an object, or answers a probe. No logic."""

import functools
import logging
from datetime import timedelta
from typing import Any

import kopf
from prometheus_client import start_http_server

from modelstream_crds.names import GROUP, PLURAL, VERSION
from modelstream_operator import names
from modelstream_operator.decide.deleting import SAVING
from modelstream_operator.decide.job import JobState, reason_of
from modelstream_operator.decide.problem import Reason
from modelstream_operator.logs import WAITS
from modelstream_operator.reconcile import Transition
from modelstream_operator.resources import Key
from modelstream_operator.service import Service
from modelstream_operator.settings import Settings
from modelstream_operator.wish import saves_at_deletion

logger = logging.getLogger(__name__)

REGISTRY = kopf.OperatorRegistry()


class NoDiffBase(kopf.DiffBaseStorage):
    """Level-triggered operators keep no last-handled snapshot on the object."""

    def fetch(self, *, body: kopf.Body) -> None:
        """There is none."""

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is kept."""


@kopf.on.login(registry=REGISTRY)
def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The pod's service account, else the kubeconfig."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


@kopf.on.startup(registry=REGISTRY)
async def startup(memo: kopf.Memo, settings: kopf.OperatorSettings, **_: Any) -> None:
    """Configure kopf, and start the service."""
    ours: Settings = memo.settings
    configure(settings, ours)
    if ours.metrics_port:
        memo.metrics, _thread = start_http_server(ours.metrics_port)
    memo.service = await Service.start(ours)


@kopf.on.cleanup(registry=REGISTRY)
async def cleanup(memo: kopf.Memo, **_: Any) -> None:
    """Stop the service."""
    await memo.service.stop()
    if "metrics" in memo:
        memo.metrics.shutdown()
        memo.metrics.server_close()


def configure(settings: kopf.OperatorSettings, ours: Settings) -> None:
    """Kopf's settings; each differs from its default for a reason given in the documentation."""
    settings.persistence.finalizer = names.FINALIZER
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(
        prefix=names.ANNOTATION_PREFIX, v1=False
    )
    settings.networking.request_timeout = ours.request_timeout
    settings.networking.connect_timeout = 5.0
    settings.watching.connect_timeout = 5.0
    settings.execution.default_backoff = 5.0
    settings.posting.level = logging.INFO
    settings.posting.reporting_component = names.MANAGER
    settings.peering.standalone = True
    # The chart grants no right on CustomResourceDefinitions, and installs ours first.
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = 10.0


@kopf.on.event(GROUP, VERSION, PLURAL, registry=REGISTRY)
async def changed(
    name: str,
    namespace: str | None,
    body: kopf.Body,
    meta: kopf.Meta,
    memo: kopf.Memo,
    **_: Any,
) -> None:
    """Wake the object's loop: its spec or, by somebody else, its status has changed, or it goes."""
    # Most of an object, and kopf keeps it; without them 1,000 take 50 MiB less.
    body["metadata"].pop("managedFields", None)
    key, now = _key(namespace, name), (meta.get("generation"), meta.get("deletionTimestamp"))
    if memo.get("seen") != now or memo.service.is_news(key, body):
        memo.seen = now
        memo.service.wakeups.wake(key)


@kopf.daemon(GROUP, VERSION, PLURAL, registry=REGISTRY, cancellation_polling=1)
async def serve(
    name: str,
    namespace: str | None,
    body: kopf.Body,
    memo: kopf.Memo,
    stopped: kopf.DaemonStopped,
    **_: Any,
) -> None:
    """The object's loop."""
    tell = functools.partial(_tell, body)
    await memo.service.serve(_key(namespace, name), body, stopped, tell)


@kopf.on.delete(GROUP, VERSION, PLURAL, registry=REGISTRY)
async def delete(
    name: str,
    namespace: str | None,
    body: kopf.Body,
    memo: kopf.Memo,
    runtime: timedelta,
    **_: Any,
) -> None:
    """Wait for the pods to end, but never for ever: owner references do the rest."""
    service: Service = memo.service
    patience = timedelta(seconds=2 * service.settings.delete_timeout)
    if runtime > patience + (SAVING if saves_at_deletion(body) else timedelta()):
        logger.warning("%s/%s: it cannot be cleaned up; it is deleted anyway", namespace, name)
        service.forget(body)
        return
    try:
        done = await service.clean_up(_key(namespace, name), body, functools.partial(_tell, body))
    except Exception as error:
        raise kopf.TemporaryError(str(error) or type(error).__name__, delay=2) from error
    if not done:
        raise kopf.TemporaryError(WAITS, delay=1)


@kopf.on.probe(registry=REGISTRY, id="reconciling")
async def reconciling(memo: kopf.Memo, **_: Any) -> str:
    """Liveness: a permanent error answers 500."""
    if (sickness := memo.service.sickness()) is not None:
        raise kopf.PermanentError(sickness)
    return "ok"


def _key(namespace: str | None, name: str) -> Key:
    return Key(namespace or "", name)


def _tell(body: kopf.Body, transition: Transition) -> None:
    """A Kubernetes event about a transition of Ready, where one can be made."""
    if transition.reason == Reason.NAMESPACE_TERMINATING:
        return
    post = kopf.info if transition.ready or transition.reason in _EXPECTED else kopf.warn
    post(body, reason=transition.reason, message=transition.message[:1000])


_EXPECTED = {
    *(Reason.STARTING, Reason.WAITING, Reason.LOADING, Reason.WAITING_FOR_RESOURCES),
    *(Reason.SAVEPOINTING, Reason.TEARING_DOWN, Reason.SUSPENDED, Reason.SCALED_TO_ZERO),
    *(Reason.FINISHED, Reason.DELETING),
    *map(reason_of, (JobState.CREATED, JobState.INITIALIZING, JobState.RUNNING)),
}
"""Reasons that belong to the normal course of things."""
