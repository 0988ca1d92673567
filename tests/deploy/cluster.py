"""What Kubernetes would do with the manifests, in so far as files can tell: who selects whom, who reaches whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import yaml

from deploy.kubernetes import render

__all__ = ["Peer", "manifests", "of_kind", "reaches", "selects", "the"]

Manifest = dict[str, Any]


class Peer(NamedTuple):
    """One end of a connection: the labels of a pod and of its namespace; outside the cluster it has neither."""

    namespace: str | None
    labels: Mapping[str, str] = {}


@cache
def manifests(overlay: str) -> tuple[Manifest, ...]:
    """Return the objects of an overlay."""
    return tuple(yaml.safe_load_all(render.render(overlay)))


def of_kind(overlay: str, kind: str) -> Iterator[Manifest]:
    """Yield the objects of a kind."""
    return (item for item in manifests(overlay) if item["kind"] == kind)


def the(overlay: str, kind: str) -> Manifest:
    """Return the only object of a kind."""
    [found] = of_kind(overlay, kind)
    return found


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector matches."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(_holds(expression, labels) for expression in selector.get("matchExpressions", ()))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(f"no such operator: {expression}")


def reaches(overlay: str, source: Peer, target: Peer, port: int | str, protocol: str = "TCP") -> bool:
    """Tell whether the network policies let a connection through: out of its source and into its target."""
    policies = list(of_kind(overlay, "NetworkPolicy"))
    return all(
        _lets(policies, direction, here, there, port, protocol)
        for direction, here, there in (("Egress", source, target), ("Ingress", target, source))
    )


def _lets(policies: list[Manifest], direction: str, here: Peer, there: Peer, port: int | str, protocol: str) -> bool:
    home = policies[0]["metadata"]["namespace"]
    mine = [
        policy["spec"]
        for policy in policies
        if here.namespace == home
        and direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], here.labels)
    ]
    if not mine:
        return True
    rules = [rule for spec in mine for rule in spec.get(direction.lower(), ())]
    side = "to" if direction == "Egress" else "from"
    return any(_names_peer(rule, side, there, home) and _names_port(rule, port, protocol) for rule in rules)


def _names_peer(rule: Mapping[str, Any], side: str, peer: Peer, home: str) -> bool:
    return side not in rule or any(_is_peer(entry, peer, home) for entry in rule[side])


def _is_peer(entry: Mapping[str, Any], peer: Peer, home: str) -> bool:
    if peer.namespace is None:
        return bool(entry.get("ipBlock", {}).get("cidr") == "0.0.0.0/0")
    spaces = entry.get("namespaceSelector")
    named = peer.namespace == home if spaces is None else selects(spaces, _labels_of(peer.namespace))
    return "ipBlock" not in entry and named and selects(entry.get("podSelector", {}), peer.labels)


def _labels_of(namespace: str) -> dict[str, str]:
    """Return the one label that every namespace has by itself."""
    return {"kubernetes.io/metadata.name": namespace}


def _names_port(rule: Mapping[str, Any], port: int | str, protocol: str) -> bool:
    allowed = rule.get("ports")
    return allowed is None or any(
        entry.get("port") in (None, port) and entry.get("protocol", "TCP") == protocol for entry in allowed
    )
