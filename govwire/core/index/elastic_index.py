"""Elasticsearch behind the index's contract.

Documents are whole and their versions ours, so a put can be repeated and an older version never wins. One index of
each kind lies behind a read and a write alias, so that no id is ever in two.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from govwire.core.errors import ConfigError, SearchError
from govwire.core.index import (
    KINDS,
    MAX_BUCKETS,
    Bucket,
    Document,
    Hit,
    Hits,
    Interval,
    Kind,
    Refusal,
    cursor_after,
    facet_path,
    place_of,
)
from govwire.core.index.documents import TOKEN_FIELDS, claim_id
from govwire.core.index.elastic import Action, Server
from govwire.core.index.elastic_query import clause
from govwire.core.index.plan import alias, mapping_version, plan, write_alias
from govwire.core.query import Query
from govwire.core.settings import Settings

# How many claims beyond an article's last are looked for at once; few articles have more.
_STEP = 20
_SORT = {"articles": "article_id", "claims": "claim_id"}


class ElasticIndex:
    """The index on an Elasticsearch cluster."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.index
        self._server = Server(settings.index)
        self._plan = plan(settings)

    def setup(self) -> list[str]:
        """Create templates, indices and aliases that are missing; several processes may do it at once.

        Raises:
            ConfigError: a server of another major version, or a mapping of another version than this program's.
        """
        self._server.check_major()
        made = []
        for kind in KINDS:
            template, index = self._plan.templates[kind], self._plan.indices[kind]
            if self._stored_template(kind) != mapping_version(template.body):
                self._server.request("PUT", template.path, template.body)
                made.append(f"index template {alias(self._settings, kind)}")
            missing = self._server.find(f"/_alias/{write_alias(self._settings, kind)}") is None
            if missing and self._server.create(index.path, index.body):
                made.append(f"index {index.path.strip('/')}")
            self._check_mapping(kind)
        return made

    def check(self) -> list[str]:
        """What is wrong with it: not reached, another major version, a missing alias, an old mapping."""
        try:
            self._server.check_major()
            for kind in KINDS:
                self._check_mapping(kind)
        except (ConfigError, SearchError) as error:
            return [str(error)]
        return []

    def put(self, kind: Kind, documents: Sequence[Document]) -> list[Refusal]:
        """Store many; a stale version is done, and no refusal."""
        return self._server.write([self._index(kind, document) for document in documents])

    def replace_claims(self, article_id: str, version: int, documents: Sequence[Document]) -> list[Refusal]:
        """Store an article's flat claims, then delete those numbered behind them.

        Their ids are numbered without a gap and read as written last, so none is missed, however fresh.
        """
        article = self._stored("articles", [article_id])[0]
        if article is not None and article.version > version:
            return []
        refused = self.put("claims", documents)
        number = len(documents)
        while behind := self._claims_from(article_id, number):
            self._server.write([self._deletion("claims", each.id, max(version, each.version)) for each in behind])
            number += _STEP
        return refused

    def get(self, kind: Kind, document_id: str) -> Hit | None:
        """One document, whole, as written last."""
        return self._stored(kind, [document_id], whole=True)[0]

    def search(
        self,
        query: Query,
        *,
        kind: Kind = "articles",
        limit: int = 20,
        after: str | None = None,
        facets: Sequence[str] = (),
    ) -> Hits:
        """The newest documents that match, as of the last refresh."""
        body: dict[str, Any] = {
            "query": clause(query, kind),
            "size": limit + 1,
            "sort": [{"sort_at": {"order": "desc", "format": "strict_date_time"}}, {_SORT[kind]: "asc"}],
            "track_total_hits": True,
            "version": True,
            "_source": {"excludes": list(TOKEN_FIELDS)},
            "aggs": {name: _terms(facet_path(kind, name)) for name in facets},
        }
        if after is not None:
            body["search_after"] = list(place_of(after))
        reply = self._search(kind, body)
        hits = [Hit(hit["_id"], hit["_version"], hit["_source"]) for hit in reply["hits"]["hits"]]
        last = hits[limit - 1] if len(hits) > limit and limit else None
        return Hits(
            reply["hits"]["total"]["value"],
            hits[:limit],
            {name: _buckets(reply, name) for name in facets},
            cursor_after(last.body["sort_at"], last.id) if last else None,
        )

    def histogram(self, query: Query, *, kind: Kind = "articles", interval: Interval = "day") -> list[Bucket]:
        """Matches per interval of UTC, oldest first, empty intervals left out."""
        per_interval = {
            "field": "sort_at",
            "calendar_interval": interval,
            "min_doc_count": 1,
            "format": "yyyy-MM-dd",
        }
        aggregation = {"intervals": {"date_histogram": per_interval}}
        reply = self._search(kind, {"query": clause(query, kind), "size": 0, "aggs": aggregation})
        return _buckets(reply, "intervals")

    def delete(self, kind: Kind, document_ids: Sequence[str], *, up_to: int | None = None) -> int:
        """Delete for good, those of a version over `up_to` excepted; returns how many were there."""
        there = [hit for hit in self._stored(kind, list(document_ids)) if hit is not None]
        meant = [hit for hit in there if up_to is None or hit.version <= up_to]
        self._server.write([self._deletion(kind, hit.id, hit.version) for hit in meant])
        return len(meant)

    def refresh(self) -> None:
        """Make everything put so far visible to searches."""
        for kind in KINDS:
            self._server.request("POST", f"/{alias(self._settings, kind)}/_refresh")

    def newest_at(self) -> datetime | None:
        """When the newest article was first seen."""
        newest = {"newest": {"max": {"field": "first_seen_at"}}}
        value = self._search("articles", {"size": 0, "aggs": newest})["aggregations"]["newest"]["value"]
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)

    def close(self) -> None:
        """Release the connections."""
        self._server.close()

    def _search(self, kind: Kind, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._server.request("POST", f"/{alias(self._settings, kind)}/_search", body)

    def _stored(self, kind: Kind, ids: Sequence[str], *, whole: bool = False) -> list[Hit | None]:
        """The documents with these ids, or only their versions, as written last."""
        if not ids:
            return []
        source = "true" if whole else "false"
        path = f"/{alias(self._settings, kind)}/_mget?_source={source}"
        found = []
        for entry in self._server.request("POST", path, {"ids": list(ids)})["docs"]:
            if "error" in entry:
                reason = entry["error"].get("reason")
                raise SearchError(f"index: {self._server.url}: {reason}; make what is missing with 'govwire setup'")
            found.append(Hit(entry["_id"], entry["_version"], entry.get("_source", {})) if entry["found"] else None)
        return found

    def _claims_from(self, article_id: str, number: int) -> list[Hit]:
        ids = [claim_id(article_id, each) for each in range(number, number + _STEP)]
        return [hit for hit in self._stored("claims", ids) if hit is not None]

    def _index(self, kind: Kind, document: Document) -> Action:
        return {
            "_op_type": "index",
            "_index": write_alias(self._settings, kind),
            "_id": document.id,
            "version": document.version,
            "version_type": "external_gte",
            "_source": document.body,
        }

    def _deletion(self, kind: Kind, document_id: str, version: int) -> Action:
        return {
            "_op_type": "delete",
            "_index": write_alias(self._settings, kind),
            "_id": document_id,
            "version": version,
            "version_type": "external_gte",
        }

    def _stored_template(self, kind: Kind) -> int | None:
        found = self._server.find(self._plan.templates[kind].path)
        if found is None:
            return None
        meta = found["index_templates"][0]["index_template"]["template"].get("mappings", {}).get("_meta", {})
        version: int | None = meta.get("version")
        return version

    def _check_mapping(self, kind: Kind) -> None:
        name, wanted = write_alias(self._settings, kind), mapping_version(self._plan.templates[kind].body)
        for index, entry in self._server.request("GET", f"/{name}/_mapping").items():
            found = entry["mappings"].get("_meta", {}).get("version", 0)
            if found != wanted:
                step = "upgrade this program" if found > wanted else "build a new index from the bus: set index.prefix"
                raise ConfigError(f"index {index}: its mapping is version {found}, this program's {wanted}; {step}")


def _terms(path: str) -> Mapping[str, Any]:
    return {"terms": {"field": path, "size": MAX_BUCKETS, "order": [{"_count": "desc"}, {"_key": "asc"}]}}


def _buckets(reply: Mapping[str, Any], name: str) -> list[Bucket]:
    buckets = reply["aggregations"][name]["buckets"]
    return [Bucket(bucket.get("key_as_string", bucket["key"]), bucket["doc_count"]) for bucket in buckets]
