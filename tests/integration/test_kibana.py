"""The dashboard: its objects, its import into Kibana, and what each panel asks of a real Elasticsearch."""

import email
import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from govwire.core.errors import ConfigError, GovwireError, SearchError
from govwire.core.index import open_index
from govwire.core.index.documents import documents_of
from govwire.core.index.elastic import Server
from govwire.core.kibana import dashboard, import_dashboards
from govwire.core.settings import Settings
from govwire.core.share import shared
from kibana_panels import PREFIX, Object, answer_of, columns_of, kuery, objects, panels, question_of, view_of
from servers.http_receiver import Answer, HttpReceiver, Request
from servers.process import free_port
from tagged_samples import SAMPLES

if TYPE_CHECKING:
    from servers.elastic import ElasticServer


def mapping(kind: str) -> Mapping[str, Any]:
    template = json.loads((shared("elasticsearch") / f"{kind}.json").read_text(encoding="utf-8"))
    properties: Mapping[str, Any] = template["template"]["mappings"]["properties"]
    return properties


def field(kind: str, path: str) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = {"properties": mapping(kind)}
    for name in path.split("."):
        entry = entry["properties"][name]
    return entry


def fields_of(panel: Object) -> Iterator[str]:
    """Every field that a panel names."""
    if panel["type"] == "search":
        yield from panel["attributes"]["columns"]
        yield from (name for name, _ in panel["attributes"]["sort"])
        return
    for column in columns_of(panel).values():
        if column["sourceField"] != "___records___":
            yield column["sourceField"]
        if "filter" in column:
            yield kuery(column["filter"])[0]


# --- the objects ---


def test_every_reference_resolves() -> None:
    for each in objects().values():
        for reference in each["references"]:
            assert (reference["type"], reference["id"]) in objects()


def test_the_dashboard_shows_volume_topics_stances_and_evidence() -> None:
    assert [panel["id"] for panel in panels()] == [
        f"{PREFIX}-{name}" for name in ("volume", "topics", "stances", "evidence")
    ]


def test_every_name_takes_the_prefix() -> None:
    assert all(each_id.startswith(f"{PREFIX}-") for _, each_id in objects())
    assert '"govwire-' not in dashboard(PREFIX)
    assert dashboard("govwire") == (shared("kibana") / "dashboard.ndjson").read_text(encoding="utf-8")


def test_every_field_named_is_in_the_index_templates_and_none_is_nested() -> None:
    for each in objects().values():
        if each["type"] == "index-pattern":
            kind = each["attributes"]["title"].removeprefix(f"{PREFIX}-")
            assert field(kind, each["attributes"]["timeFieldName"])["type"] == "date"
    for panel in panels():
        kind = view_of(panel).removeprefix(f"{PREFIX}-")
        for path in fields_of(panel):
            assert field(kind, path)
            assert not path.startswith("claims.")


def test_every_lens_chart_draws_columns_that_it_has() -> None:
    for panel in panels():
        if panel["type"] == "lens":
            columns = columns_of(panel)
            (layer,) = panel["attributes"]["state"]["visualization"]["layers"]
            assert {layer["xAccessor"], *layer["accessors"]} == set(columns)
            for column in columns.values():
                assert column.get("params", {}).get("orderBy", {}).get("columnId", "x") in columns


def test_stances_are_told_apart_by_sign_and_never_by_green_and_red() -> None:
    stances = next(panel for panel in panels() if panel["id"] == f"{PREFIX}-stances")
    labels = {name: column["label"] for name, column in columns_of(stances).items()}
    assert (labels["favor"][0], labels["against"][0]) == ("+", "−")
    (layer,) = stances["attributes"]["state"]["visualization"]["layers"]
    colours = {entry["forAccessor"]: entry["color"] for entry in layer["yConfig"]}
    assert colours["favor"] == "#0072B2"
    assert colours["against"] == "#D55E00"


# --- the import ---


def settings_for(url: str | None, **changes: Any) -> Settings:
    return Settings.model_validate({"kibana": {"url": url} | changes, "index": {"prefix": PREFIX}})


def done(**changes: Any) -> Answer:
    told = {"success": True, "successCount": len(objects()), "warnings": []} | changes
    return Answer(200, json.dumps(told).encode(), {"content-type": "application/json"})


def file_of(request: Request) -> tuple[str | None, bytes]:
    """The name and the content of the one part of a multipart request."""
    raw = f"content-type: {request.headers['content-type']}\r\n\r\n".encode() + request.body
    message = email.message_from_bytes(raw)
    assert message.get_content_type() == "multipart/form-data"
    (part,) = message.get_payload()
    assert not isinstance(part, str)
    assert part.get_param("name", header="content-disposition") == "file"
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return part.get_filename(), payload


@pytest.mark.parametrize("base_path", ["", "/kibana", "/kibana/"])
def test_the_import_is_one_request_with_the_objects_as_a_file(webhook: HttpReceiver, base_path: str) -> None:
    webhook.answer(done())
    lines = import_dashboards(settings_for(f"http://127.0.0.1:{webhook.port}{base_path}"))
    assert lines == [f"Kibana dashboard {PREFIX}-overview ({len(objects())} saved objects)"]
    (request,) = webhook.requests
    assert request.method == "POST"
    assert request.path == f"{base_path.rstrip('/')}/api/saved_objects/_import?overwrite=true"
    assert request.headers["kbn-xsrf"]
    assert "authorization" not in request.headers
    name, content = file_of(request)
    assert name is not None
    # Kibana takes no other ending.
    assert name.endswith(".ndjson")
    assert content.decode() == dashboard(PREFIX)


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        ({"username": "ann", "password": "s3cret"}, "Basic YW5uOnMzY3JldA=="),
        ({"api_key": "s3cret"}, "ApiKey s3cret"),
    ],
)
def test_the_login_is_sent_and_never_told(webhook: HttpReceiver, login: dict[str, str], sent: str) -> None:
    webhook.answer(done(), Answer(401, b'{"statusCode": 401, "message": "no"}'))
    settings = settings_for(webhook.url, **login)
    import_dashboards(settings)
    with pytest.raises(SearchError, match=r"check kibana\.username") as error:
        import_dashboards(settings)
    assert [request.headers["authorization"] for request in webhook.requests] == [sent, sent]
    assert "s3cret" not in str(error.value)


REFUSED = {"success": False, "errors": [{"id": "x", "type": "lens", "error": {"type": "unsupported_type"}}]}


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (done(**REFUSED), SearchError, r"refuses lens x \(unsupported_type\)"),
        (Answer(503, b"Kibana server is not ready yet"), SearchError, "try again when it is ready"),
        (Answer(400, b'{"statusCode": 400, "message": "Bad file"}'), SearchError, "Bad file"),
        (Answer(404, b"nothing here"), ConfigError, "as no Kibana does"),
        (Answer(302, b"", {"location": "/login"}), ConfigError, "as no Kibana does"),
        (Answer(200, b"<html>"), ConfigError, "as no Kibana does"),
        (Answer(200, b"[]"), ConfigError, "as no Kibana does"),
    ],
)
def test_what_goes_wrong_is_one_line(
    webhook: HttpReceiver, answer: Answer, error: type[GovwireError], words: str
) -> None:
    webhook.answer(answer)
    with pytest.raises(error, match=words) as raised:
        import_dashboards(settings_for(webhook.url))
    assert "\n" not in str(raised.value)
    assert webhook.url in str(raised.value)
    assert len(webhook.requests) == 1


def test_nobody_at_the_address_is_one_line() -> None:
    with pytest.raises(SearchError, match="is it running") as error:
        import_dashboards(settings_for(f"http://127.0.0.1:{free_port()}"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "changes", "words"),
    [
        (None, {}, r"kibana\.url"),
        ("http://host:port", {}, r"kibana\.url"),
        ("http://127.0.0.1:1", {"username": "ann"}, r"kibana\.username"),
    ],
)
def test_a_mistake_in_the_settings_is_named(url: str | None, changes: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        import_dashboards(settings_for(url, **changes))


# --- what the panels ask ---


def test_every_panel_has_an_answer_on_a_real_node(elastic_server: "ElasticServer", tmp_path: Path) -> None:
    prefix = f"t-{uuid.uuid4().hex[:12]}"
    settings = Settings.model_validate({"data_dir": tmp_path, "index": {"url": elastic_server.url, "prefix": prefix}})
    index = open_index(settings)
    index.setup()
    server = Server(settings.index)
    empty, full = {}, {}
    for answers in (empty, full):
        for panel in panels():
            alias = view_of(panel).replace(PREFIX, prefix, 1)
            answers[panel["id"]] = answer_of(server.request("POST", f"/{alias}/_search", question_of(panel)), panel)
        for documents in map(documents_of, SAMPLES):
            index.put("articles", [documents.article])
            index.put("claims", documents.claims)
        index.refresh()
    assert set(empty.values()) == {0}
    assert len(full) == 4
    assert all(shown >= 4 for shown in full.values()), full
    server.close()
    index.close()
