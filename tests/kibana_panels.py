"""The dashboard's panels, and the searches that Kibana makes of them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from govwire.core.kibana import dashboard

Object = Mapping[str, Any]
PREFIX = "watch"


def objects(prefix: str = PREFIX) -> dict[tuple[str, str], Object]:
    """The dashboard's saved objects by type and id."""
    found = [json.loads(line) for line in dashboard(prefix).splitlines()]
    return {(each["type"], each["id"]): each for each in found}


def panels() -> list[Object]:
    """What the dashboard shows: Lens charts and saved searches."""
    overview = objects()["dashboard", f"{PREFIX}-overview"]
    references = {entry["name"]: (entry["type"], entry["id"]) for entry in overview["references"]}
    shown = json.loads(overview["attributes"]["panelsJSON"])
    return [objects()[references[f"{panel['panelIndex']}:{panel['panelRefName']}"]] for panel in shown]


def view_of(panel: Object) -> str:
    """The title of the data view that a panel reads, which is the name of an alias."""
    (reference,) = panel["references"]
    title: str = objects()[reference["type"], reference["id"]]["attributes"]["title"]
    return title


def columns_of(lens: Object) -> Mapping[str, Any]:
    columns: Mapping[str, Any] = lens["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]["layer"][
        "columns"
    ]
    return columns


def kuery(filter_: Mapping[str, str]) -> tuple[str, str]:
    """The field and the value of a filter as the dashboard writes them, `field : "value"`."""
    found = re.fullmatch(r'(\S+) : "([^"]+)"', filter_["query"])
    assert found is not None
    return found[1], found[2]


def question_of(panel: Object) -> dict[str, Any]:
    """The search that Kibana makes of a panel: its buckets, and its metrics within them."""
    if panel["type"] == "search":
        sort = [{name: order} for name, order in panel["attributes"]["sort"]]
        return {"size": 50, "sort": sort, "_source": panel["attributes"]["columns"]}
    columns = columns_of(panel)
    (layer,) = panel["attributes"]["state"]["visualization"]["layers"]
    by = columns[layer["xAccessor"]]
    metrics: dict[str, Any] = {}
    for name in layer["accessors"]:
        column = columns[name]
        assert column["operationType"] == "count"
        wanted = {"term": dict([kuery(column["filter"])])} if "filter" in column else {"match_all": {}}
        metrics[name] = {"filter": wanted}
    if by["operationType"] == "date_histogram":
        # Kibana works an interval out of the time shown; a day is what it takes for a month or two.
        buckets = {"date_histogram": {"field": by["sourceField"], "calendar_interval": "day"}}
    else:
        buckets = {"terms": {"field": by["sourceField"], "size": by["params"]["size"]}}
    return {"size": 0, "aggs": {"x": {**buckets, "aggs": metrics}}}


def answer_of(reply: Mapping[str, Any], panel: Object) -> int:
    """How much a panel would show: rows of a search, or bars of a chart that are not empty."""
    if panel["type"] == "search":
        columns = panel["attributes"]["columns"]
        rows = [hit["_source"] for hit in reply["hits"]["hits"]]
        return sum(all(field_in(row, path) for path in columns) for row in rows)
    (layer,) = panel["attributes"]["state"]["visualization"]["layers"]
    buckets = reply["aggregations"]["x"]["buckets"]
    shown = {name: sum(bucket[name]["doc_count"] > 0 for bucket in buckets) for name in layer["accessors"]}
    return sum(shown.values())


def field_in(row: Mapping[str, Any], path: str) -> object:
    value: Any = row
    for name in path.split("."):
        value = value.get(name, {})
    return value
