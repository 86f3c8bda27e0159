"""Volumes of a pod: names that do not collide, and a claim that is one volume however often named.

A kubelet mounts a claim once a pod. The second volume of the same claim it waits for, for ever and
without an event.
"""

from collections.abc import Collection, Iterator
from typing import Any

from modelstream_operator.render.signature import digest

LONGEST = 63
_MARK = 8

Part = dict[str, Any]


def volume_name(kind: str, name: str) -> str:
    """A label as Kubernetes wants it; one that had to be changed carries a hash of the name."""
    whole = f"{kind}-{name}"
    if "." not in name and len(whole) <= LONGEST:
        return whole
    readable = whole.replace(".", "-")[: LONGEST - _MARK - 1].rstrip("-")
    return f"{readable}-{digest(name)[:_MARK]}"


def one_volume_a_claim(spec: Part, preferred: Collection[str]) -> Part:
    """The pod's spec with each claim as one volume, under a preferred name where it has one.

    It is writable where one of the volumes was. What was mounted from a read-only one stays so.
    """
    renamed: dict[str, str] = {}
    guarded: set[str] = set()
    merged: dict[str, Part] = {}
    for same in _by_claim(spec.get("volumes", ())):
        kept = next((each for each in same if each["name"] in preferred), same[0])
        read_only = [each["name"] for each in same if _is_read_only(each)]
        renamed |= {each["name"]: kept["name"] for each in same}
        if len(read_only) < len(same):
            guarded |= set(read_only)
            kept = _writable(kept)
        merged[kept["name"]] = kept
    if not renamed:
        return spec
    gone = renamed.keys() - merged.keys()
    volumes = [
        merged.get(each["name"], each) for each in spec["volumes"] if each["name"] not in gone
    ]
    return {**spec, "volumes": volumes, **_containers(spec, renamed, guarded)}


def _by_claim(volumes: Collection[Part]) -> Iterator[list[Part]]:
    """The volumes of each claim that has several."""
    found: dict[str, list[Part]] = {}
    for each in volumes:
        if claim := (each.get("persistentVolumeClaim") or {}).get("claimName"):
            found.setdefault(claim, []).append(each)
    return (same for same in found.values() if len(same) > 1)


def _is_read_only(volume: Part) -> bool:
    return bool(volume["persistentVolumeClaim"].get("readOnly"))


def _writable(volume: Part) -> Part:
    claim = {k: v for k, v in volume["persistentVolumeClaim"].items() if k != "readOnly"}
    return {**volume, "persistentVolumeClaim": claim}


def _containers(spec: Part, renamed: dict[str, str], guarded: set[str]) -> Part:
    """Containers whose mounts name what is left; each keeps its path, subPath and readOnly."""

    def mount(each: Part) -> Part:
        read_only = {"readOnly": True} if each["name"] in guarded else {}
        return {**each, "name": renamed.get(each["name"], each["name"]), **read_only}

    return {
        field: [
            {**each, "volumeMounts": [mount(one) for one in each["volumeMounts"]]}
            if each.get("volumeMounts")
            else each
            for each in spec[field]
        ]
        for field in ("initContainers", "containers")
        if spec.get(field)
    }
