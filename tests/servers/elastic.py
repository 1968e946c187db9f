"""A real Elasticsearch node, put together from its libraries: no distribution, no container.

What its libraries lack is not there: `GET /`, the language analyzers, painless scripts, reindex and delete-by-query,
data streams, ILM, ingest, ES|QL, security, percolator. Code that wants one of these asks the cluster first.
"""

import http.client
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from servers.jars import COMPILER, ELASTIC, cached, fetch
from servers.java import QUICK_START, class_path, compile_java, new_java
from servers.process import Server, free_port

_NODE = Path(__file__).with_name("EsNode.java")
_TRANSPORT = "transport-netty4"
_DESCRIPTOR = "plugin-descriptor.properties"


class ElasticServer(Server):
    """A node; `settings` are further node settings, such as a small `thread_pool.write.queue_size` to provoke 429."""

    name = "elastic"

    def __init__(self, settings: Mapping[str, str | int] | None = None) -> None:
        super().__init__()
        self._extra = dict(settings or {})
        self.port, self._transport_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        for folder in ("config", "data", "logs"):
            (self.folder / folder).mkdir()
        (self.folder / "modules").symlink_to(_node_home() / "modules")

    def _command(self) -> list[str]:
        home = _node_home()
        settings = {
            # A developer's disk is often fuller than the 95 % at which every index would become read-only.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            **self._extra,
        }
        return [
            str(new_java()),
            "-Xmx1g",
            *QUICK_START,
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            class_path(home / "classes", home / "lib"),
            "EsNode",
            str(self.folder),
            str(self.port),
            str(self._transport_port),
            *(f"{key}={value}" for key, value in settings.items()),
        ]

    def _answers(self) -> bool:
        """Whether every index it has is there to be searched; replicas have no place on one node."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _node_home() -> Path:
    """The node's programs, laid out once: lib, modules and classes."""
    jars = fetch("elasticsearch", ELASTIC)
    compiler = next(fetch("ecj", COMPILER).glob("ecj-*.jar"))

    def build(home: Path) -> None:
        lib, module, classes = home / "lib", home / "modules" / _TRANSPORT, home / "classes"
        for folder in (lib, module, classes):
            folder.mkdir(parents=True)
        for jar in jars.glob("*.jar"):
            shutil.copy(jar, module if jar.name.startswith(("netty-", _TRANSPORT)) else lib)
        with zipfile.ZipFile(next(module.glob(f"{_TRANSPORT}-*.jar"))) as transport:
            descriptor = transport.read(f"META-INF/es-plugins/{_TRANSPORT}/{_DESCRIPTOR}").decode()
        # Emptied, so that the transport is loaded from the class path instead of as a Java module.
        lines = ["modulename=" if line.startswith("modulename=") else line for line in descriptor.splitlines()]
        (module / _DESCRIPTOR).write_text("\n".join(lines) + "\n")
        compile_java(_NODE, lib.glob("*.jar"), classes, compiler)

    return cached("elasticsearch-home", " ".join(ELASTIC) + _NODE.read_text(), build)
