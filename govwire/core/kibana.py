"""Kibana's dashboard: deploy/kibana/dashboard.ndjson, imported as saved objects over HTTP.

The file is what Kibana exports: change the dashboard there, export it with its related objects, and put it in place.
Source: Kibana's saved objects API, POST /api/saved_objects/_import.
"""

import json
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError

from govwire.core.errors import ConfigError, SearchError
from govwire.core.settings import KibanaSettings, Settings
from govwire.core.share import shared

_TIMEOUT_SECONDS = 30
_DEFAULT_PREFIX = "govwire-"


def dashboard(prefix: str) -> str:
    """The saved objects, one JSON a line, for indices of this prefix."""
    text = (shared("kibana") / "dashboard.ndjson").read_text(encoding="utf-8")
    return text.replace(f'"{_DEFAULT_PREFIX}', f'"{prefix}-')


def import_dashboards(settings: Settings) -> list[str]:
    """Import the dashboard, over an older one if need be; returns a line for what was imported.

    Raises:
        ConfigError: no kibana.url, half a login, or something else answers there.
        SearchError: Kibana cannot be reached, or refuses the login or an object.
    """
    kibana = settings.kibana
    if kibana.url is None:
        raise ConfigError("kibana.url: not set; write 'http(s)://host:5601', with its base path if it has one")
    url = kibana.url.rstrip("/")
    content = dashboard(settings.index.prefix)
    ca_file = str(settings.index.ca_file) if settings.index.ca_file else None
    try:
        with urllib3.PoolManager(ca_certs=ca_file, retries=False, timeout=_TIMEOUT_SECONDS) as pool:
            reply = pool.request(
                "POST",
                f"{url}/api/saved_objects/_import?overwrite=true",
                headers={"kbn-xsrf": "govwire", **_authorization(kibana)},
                fields={"file": ("dashboard.ndjson", content.encode(), "application/ndjson")},
            )
    except LocationParseError as error:
        raise ConfigError(f"kibana.url {url}: {error}; write 'http(s)://host:5601'") from error
    except HTTPError as error:
        raise SearchError(f"kibana: {url} cannot be reached ({error}); is it running?") from error
    except OSError as error:
        raise ConfigError(f"index.ca_file {ca_file}: {error}; name a PEM file of certificates") from error
    told = _told(url, reply)
    return [f"Kibana dashboard {settings.index.prefix}-overview ({told['successCount']} saved objects)"]


def _authorization(kibana: KibanaSettings) -> dict[str, str]:
    if kibana.api_key is not None:
        return {"authorization": f"ApiKey {kibana.api_key.get_secret_value()}"}
    if kibana.username is None and kibana.password is None:
        return {}
    if not kibana.username or not kibana.password:
        raise ConfigError("kibana.username: a login needs it and kibana.password")
    return dict(urllib3.make_headers(basic_auth=f"{kibana.username}:{kibana.password.get_secret_value()}"))


def _told(url: str, reply: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """What Kibana says of an import that went well."""
    try:
        told = json.loads(reply.data)
    except ValueError:
        told = None
    if reply.status in (401, 403):
        raise SearchError(f"kibana: {url} answers {reply.status}; check kibana.username and password, or api_key")
    if isinstance(told, dict) and "statusCode" in told:
        raise SearchError(f"kibana: {url} answers {reply.status} ({told.get('message')}); see its log")
    if reply.status >= 500:
        raise SearchError(f"kibana: {url} answers {reply.status}; try again when it is ready")
    if reply.status != 200 or not isinstance(told, dict) or "successCount" not in told:
        raise ConfigError(f"kibana.url {url}: answers {reply.status} as no Kibana does; give its address and base path")
    for failed in told.get("errors", []):
        what, why = f"{failed.get('type')} {failed.get('id')}", failed.get("error", {}).get("type", "unknown")
        raise SearchError(f"kibana: {url} refuses {what} ({why}); see that it is of version 9")
    return told
