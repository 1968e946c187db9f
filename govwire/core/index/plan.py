"""What Govwire needs on an Elasticsearch cluster: templates, indices and roles, for `setup`, and for others to apply.

`plan(settings)` needs no cluster. Its `lines()` can be pasted into the Dev Tools of Kibana; `dataclasses.asdict` gives
the same as data.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from govwire.core.index import KINDS, Kind
from govwire.core.settings import IndexSettings, Settings
from govwire.core.share import shared

# The first generation; a new mapping or a new labelling of everything builds the next and flips the aliases.
FIRST_GENERATION = "000001"


@dataclass(frozen=True)
class Request:
    """A PUT to make something that is missing."""

    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """Everything on the cluster that Govwire needs."""

    templates: Mapping[Kind, Request]
    indices: Mapping[Kind, Request]
    roles: tuple[Request, ...]

    def lines(self) -> list[str]:
        """The plan as requests, two lines each: what, and its body."""
        requests = (*self.templates.values(), *self.indices.values(), *self.roles)
        return [line for request in requests for line in (f"PUT {request.path}", json.dumps(request.body))]


def plan(settings: Settings) -> Plan:
    """What Govwire needs on the cluster that the settings name."""
    index = settings.index
    return Plan(
        {kind: Request(f"/_index_template/{alias(index, kind)}", _template(index, kind)) for kind in KINDS},
        {kind: Request(f"/{alias(index, kind)}-{FIRST_GENERATION}", _first_index(index, kind)) for kind in KINDS},
        _roles(index),
    )


def alias(index: IndexSettings, kind: Kind) -> str:
    """The alias that searches read."""
    return f"{index.prefix}-{kind}"


def write_alias(index: IndexSettings, kind: Kind) -> str:
    """The alias that new documents are written to."""
    return f"{alias(index, kind)}-write"


def mapping_version(template: Mapping[str, Any]) -> int:
    """The version of a template's mapping."""
    version: int = template["template"]["mappings"]["_meta"]["version"]
    return version


def _template(index: IndexSettings, kind: Kind) -> Mapping[str, Any]:
    template: dict[str, Any] = json.loads((shared("elasticsearch") / f"{kind}.json").read_text(encoding="utf-8"))
    template["index_patterns"] = [f"{alias(index, kind)}-*"]
    template["template"]["settings"]["index"] |= {
        "number_of_shards": index.shards,
        "number_of_replicas": index.replicas,
    }
    return template


def _first_index(index: IndexSettings, kind: Kind) -> Mapping[str, Any]:
    return {"aliases": {alias(index, kind): {}, write_alias(index, kind): {"is_write_index": True}}}


def _roles(index: IndexSettings) -> tuple[Request, ...]:
    names = [f"{alias(index, kind)}*" for kind in KINDS]

    def role(name: str, cluster: list[str], privileges: list[str]) -> Request:
        body = {"cluster": cluster, "indices": [{"names": names, "privileges": privileges}]}
        return Request(f"/_security/role/{index.prefix}-{name}", body)

    return (
        role("setup", ["monitor", "manage_index_templates"], ["create_index", "manage"]),
        role("stages", ["monitor"], ["read", "write", "maintenance", "view_index_metadata"]),
        role("readers", [], ["read", "view_index_metadata"]),
    )
