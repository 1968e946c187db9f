"""The only door to elasticsearch-py: requests, writes in bulk, and the translation of its errors into ours.

A write is walked item by item: what is stored or already newer is done, what the server has no room for waits its turn,
and what it will never take is a refusal. It can be repeated as a whole, since every version is ours.
"""

import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import elasticsearch
from elastic_transport import ApiError, ConnectionTimeout, TransportError
from elasticsearch import Elasticsearch, UnsupportedProductError
from elasticsearch.helpers import streaming_bulk
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_random_exponential
from urllib3 import make_headers

from govwire.core.errors import ConfigError, SearchError
from govwire.core.index import Refusal
from govwire.core.settings import IndexSettings

Action = Mapping[str, Any]  # as elasticsearch.helpers take it: _op_type, _index, _id, version, _source …

_TIMEOUT_SECONDS = 30
# A stage must come back to its bus between batches; it then does the same batch again.
_PATIENCE_SECONDS = 20.0
_CHUNK_DOCUMENTS, _CHUNK_BYTES = 500, 5 * 1024 * 1024
_BUSY = (429, 502, 503, 504)
_WHOLE_REQUEST = (400, 413)
_JSON = {"accept": "application/json", "content-type": "application/json"}


@dataclass(frozen=True)
class _Outcome:
    """What the server said to one action; `whole`: it said so to the whole request."""

    action: Action
    status: int
    reason: str
    whole: bool


class Server:
    """An Elasticsearch cluster. Safe to use from several threads; the first request connects.

    Every method raises SearchError when the cluster cannot be reached or refuses a request.
    """

    def __init__(
        self,
        settings: IndexSettings,
        *,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        """Prepare the client; a write waits out refusals for as long as `patience_seconds`.

        Raises:
            ConfigError: the address, the credentials or the certificates are unusable.
        """
        self.url = settings.url.rstrip("/")
        self._timeout_seconds, self._patience_seconds = timeout_seconds, patience_seconds
        self._headers = _authorization(settings)
        options: dict[str, Any] = {}
        try:
            if settings.ca_file is not None:
                options["ssl_context"] = ssl.create_default_context(cafile=settings.ca_file)
            self._client = Elasticsearch(
                self.url, headers=self._headers, request_timeout=timeout_seconds, max_retries=0, **options
            )
        except OSError as error:
            raise ConfigError(f"index.ca_file {settings.ca_file}: {error}; name a PEM file of certificates") from error
        except ValueError as error:
            raise ConfigError(f"index.url {self.url}: {error}; write 'http(s)://host:9200'") from error

    def major(self) -> int:
        """The major version of the server, by plain HTTP: a client of another major cannot even ask for it."""
        with self._translating():
            reply = self._client.transport.perform_request(
                "GET", "/_nodes/_local?filter_path=nodes.*.version", headers={**self._headers, **_JSON}
            )
        if reply.meta.status != 200:
            raise self._refused(reply.meta.status, reply.body, None)
        nodes = reply.body.get("nodes", {}) if isinstance(reply.body, Mapping) else {}
        for node in nodes.values():
            return int(node["version"].partition(".")[0])
        raise ConfigError(f"index.url {self.url}: answers, but is no Elasticsearch; give the address of one")

    def check_major(self) -> None:
        """Raise ConfigError where the server is of another major version than this program's client."""
        wanted, found = elasticsearch.__version__[0], self.major()
        if found != wanted:
            raise ConfigError(f"index.url {self.url}: Elasticsearch {found}, this program speaks {wanted}; upgrade one")

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """The reply to one request."""
        with self._translating():
            reply = self._client.perform_request(method, path, headers=_JSON, body=body)
        found: Mapping[str, Any] = reply.body
        return found

    def find(self, path: str) -> Mapping[str, Any] | None:
        """The reply to a GET; None where there is no such thing."""
        with self._translating():
            reply = self._client.options(ignore_status=404).perform_request("GET", path, headers=_JSON)
        found: Mapping[str, Any] = reply.body
        return None if reply.meta.status == 404 else found

    def create(self, path: str, body: Mapping[str, Any]) -> bool:
        """Make an index; False where another process was quicker."""
        with self._translating():
            reply = self._client.options(ignore_status=400).perform_request("PUT", path, headers=_JSON, body=body)
        if reply.meta.status == 400 and reply.body["error"]["type"] != "resource_already_exists_exception":
            raise self._refused(400, reply.body, None)
        return reply.meta.status == 200

    def write(self, actions: Iterable[Action]) -> list[Refusal]:
        """Do many actions, waiting out 429 and 503; an action whose version is older than the stored one is done."""
        refusals: list[Refusal] = []
        waiting = list(actions)

        def send() -> list[_Outcome]:
            nonlocal waiting
            failed = self._round(waiting, refusals)
            waiting = [outcome.action for outcome in failed]
            return failed

        retrying = Retrying(
            retry=retry_if_result(bool),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            stop=stop_after_delay(self._patience_seconds),
            retry_error_callback=lambda last: last.outcome and last.outcome.result(),
        )
        failed = retrying(send)
        busy = next((outcome for outcome in failed if outcome.status in _BUSY), None)
        if busy is not None:
            raise SearchError(f"index: {self.url} takes no documents now ({busy.reason}); waiting for it")
        return [*refusals, *(_refusal(outcome) for outcome in failed)]

    def close(self) -> None:
        """Release the connections."""
        self._client.close()

    def _round(self, actions: Sequence[Action], refusals: list[Refusal]) -> list[_Outcome]:
        """Send every action once, keep what is refused for good, and return what is worth another try."""
        outcomes = list(self._send(actions, _CHUNK_DOCUMENTS))
        # One document can spoil a whole request (its id, its size): then each goes alone.
        spoiled = [outcome for outcome in outcomes if outcome.whole and outcome.status in _WHOLE_REQUEST]
        outcomes = [outcome for outcome in outcomes if outcome not in spoiled]
        outcomes += self._send([outcome.action for outcome in spoiled], 1)
        again = []
        for outcome in outcomes:
            if outcome.status >= 500 or outcome.status in _BUSY:
                again.append(outcome)
            elif outcome.status in (401, 403) or (outcome.status == 404 and outcome.action["_op_type"] == "index"):
                raise self._refused(outcome.status, outcome.reason, None)
            elif outcome.status not in (200, 201, 404, 409):
                refusals.append(_refusal(outcome))
        return again

    def _send(self, actions: Sequence[Action], chunk_size: int) -> Iterator[_Outcome]:
        with self._translating():
            results = streaming_bulk(
                self._client,
                (dict(action) for action in actions),
                chunk_size=chunk_size,
                max_chunk_bytes=_CHUNK_BYTES,
                raise_on_error=False,
                raise_on_exception=False,
                # A name that is no alias of ours must not become an index by itself.
                require_alias=True,
            )
            for action, (_, result) in zip(actions, results, strict=True):
                item = next(iter(result.values()))
                whole: ApiError | None = item.get("exception")
                reason = _reason(item.get("error") if whole is None else whole.body)
                yield _Outcome(action, item["status"], reason, whole is not None)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Foreign errors become ours, each one line with the address and the next step."""
        try:
            yield
        except UnsupportedProductError as error:
            raise ConfigError(
                f"index.url {self.url}: answers, but is no Elasticsearch; give the address of one"
            ) from error
        except ApiError as error:
            raise self._refused(error.meta.status, error.body, error) from error
        except ConnectionTimeout as error:
            raise SearchError(
                f"index: {self.url} gave no answer in {self._timeout_seconds:g} s; waiting for it"
            ) from error
        except TransportError as error:
            message = f"{error.message}".partition("\n")[0]
            raise SearchError(f"index: {self.url} cannot be reached ({message}); is it running?") from error

    def _refused(self, status: int, body: object, error: ApiError | None) -> SearchError:
        reason = _reason(body)
        wait = (error.meta.headers.get("retry-after") if error is not None else None) or ""
        match status:
            case 401 | 403:
                step = "check index.username and password, or api_key, and the roles of 'govwire setup --print'"
            case 404:
                step = "make what is missing with 'govwire setup'"
            case _:
                step = "waiting for it" if status in _BUSY else "see the server's log"
        message = f"index: {self.url} answers {status} ({reason}); {step}"
        return SearchError(message, retry_after_seconds=float(wait) if wait.isdecimal() else None)


def _authorization(settings: IndexSettings) -> dict[str, str]:
    if settings.api_key is not None:
        return {"authorization": f"ApiKey {settings.api_key.get_secret_value()}"}
    password = settings.password.get_secret_value() if settings.password else None
    if settings.password_file is not None:
        try:
            password = settings.password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"index.password_file: {error}") from error
    if settings.username is None and password is None:
        return {}
    if not settings.username or not password:
        raise ConfigError("index.username: a login needs it and index.password or index.password_file")
    return dict(make_headers(basic_auth=f"{settings.username}:{password}"))


def _reason(error: object) -> str:
    """What the server gives as reason, outermost and innermost, on one line."""
    error = error.get("error", error) if isinstance(error, Mapping) else error
    innermost = error
    while isinstance(innermost, Mapping) and isinstance(innermost.get("caused_by"), Mapping):
        innermost = innermost["caused_by"]
    told = [
        each.get("reason") or each.get("type") if isinstance(each, Mapping) else each for each in (error, innermost)
    ]
    return " ".join(": ".join(str(each) for each in dict.fromkeys(told) if each).split())[:300] or "no reason given"


def _refusal(outcome: _Outcome) -> Refusal:
    return Refusal(outcome.action["_id"], outcome.reason)
