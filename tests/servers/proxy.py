"""A real HTTP proxy, as an office has one: proxy.py, with a name and a password."""

import sys
from urllib.parse import quote

from servers.process import Server, free_port, listens

NAME, PASSWORD = "reader", "proxy:Secret@1"


class ProxyServer(Server):
    """Forwards http, and tunnels https by CONNECT, for who knows its password; `told` is what it says of its work."""

    name = "proxy"

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()

    @property
    def url(self) -> str:
        """Its address with name and password, as the setting takes it."""
        return self.url_with(PASSWORD)

    def url_with(self, password: str) -> str:
        """Its address with this password."""
        return f"http://{NAME}:{quote(password, safe='')}@localhost:{self.port}"

    def told(self) -> list[str]:
        """Its log's lines on requests."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if "access_log" in line]

    def _prepare(self) -> None:
        """It keeps no data."""

    def _command(self) -> list[str]:
        one = ["--num-workers", "1", "--num-acceptors", "1"]
        where = ["--hostname", "127.0.0.1", "--port", str(self.port)]
        return [sys.executable, "-m", "proxy", *where, *one, "--basic-auth", f"{NAME}:{PASSWORD}"]

    def _answers(self) -> bool:
        return listens(self.port)
