"""What a podTemplate asks for and Pod Security's restricted profile does not allow. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

RESTRICTED = "leave it out, pods run under Pod Security's restricted profile"

_ADDABLE = {"NET_BIND_SERVICE"}
_FORBIDDEN = {
    "privileged": (True,),
    "allowPrivilegeEscalation": (True,),
    "runAsNonRoot": (False,),
    "runAsUser": (0,),
    "procMount": ("Unmasked",),
}
"""Values by field of a securityContext, of a pod or of a container."""


def security_refusals(path: str, place: Mapping[str, Any]) -> Iterator[str]:
    """For a pod's spec or a container; each with its field."""
    context = place.get("securityContext") or {}
    where = f"{path}.securityContext"
    for field, values in _FORBIDDEN.items():
        if field in context and context[field] in values:
            yield _refusal(f"{where}.{field}", context[field])
    profile = context.get("seccompProfile") or {}
    if profile.get("type") == "Unconfined":
        yield _refusal(f"{where}.seccompProfile.type", "Unconfined")
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield _refusal(f"{where}.windowsOptions.hostProcess", True)
    yield from _capabilities(f"{where}.capabilities", context.get("capabilities") or {})
    for index, port in enumerate(place.get("ports", ())):
        if port.get("hostPort"):
            yield _refusal(f"{path}.ports[{index}].hostPort", port["hostPort"])


def _capabilities(path: str, stated: Mapping[str, Any]) -> Iterator[str]:
    if added := [each for each in stated.get("add") or () if each not in _ADDABLE]:
        yield _refusal(f"{path}.add", ", ".join(map(str, added)))
    if "drop" in stated and "ALL" not in (stated["drop"] or ()):
        yield f"{path}.drop: must hold ALL: write it, or {RESTRICTED}"


def _refusal(path: str, value: object) -> str:
    said = str(value).lower() if isinstance(value, bool) else value
    return f"{path}: {said} is not possible: {RESTRICTED}"
