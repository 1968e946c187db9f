"""A real Kafka broker (KRaft, one node) with a listener for each way an office may guard it.

Topics are never made by themselves (`auto.create.topics.enable=false`), as in most offices.
"""

import base64
import subprocess
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from servers.faulty_proxy import FaultyProxy
from servers.jars import KAFKA, fetch
from servers.java import QUICK_START, class_path, system_java
from servers.process import Server, free_port, listens
from servers.tls import make_certificates

USERNAME = "newsroom"
PASSWORD = "kafka-Secret-1"


class KafkaServer(Server):
    """A broker; `properties` are further lines of server.properties, such as a small `message.max.bytes`.

    Listeners: `bootstrap` (PLAINTEXT), `sasl_bootstrap` (SASL_PLAINTEXT), `sasl_ssl_bootstrap` (SASL_SSL, trusted by
    `ca_file`); PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 with `username` and `password`. Clients that come in by
    `proxied_bootstrap` are sent through `proxy()` for everything, which a proxy before the first port cannot do.
    """

    name = "kafka"
    username: ClassVar[str] = USERNAME
    password: ClassVar[str] = PASSWORD

    def __init__(self, properties: Mapping[str, str | int] | None = None) -> None:
        super().__init__()
        self._extra = dict(properties or {})
        self._plain, self._sasl, self._sasl_ssl, self._controller = (free_port() for _ in range(4))
        self._behind_proxy, self._proxy = free_port(), free_port()
        self.bootstrap = f"localhost:{self._plain}"
        self.sasl_bootstrap = f"localhost:{self._sasl}"
        self.sasl_ssl_bootstrap = f"localhost:{self._sasl_ssl}"
        self.proxied_bootstrap = f"localhost:{self._proxy}"
        self._certificates = make_certificates(self.folder)
        self.ca_file = self._certificates.ca_file
        self._properties_file = self.folder / "server.properties"

    def proxy(self) -> FaultyProxy:
        """The proxy of `proxied_bootstrap`; it must be running (`with`) before clients come."""
        return FaultyProxy(self._behind_proxy, port=self._proxy)

    def admin(self) -> KafkaAdminClient:
        """An admin client, to be closed by the caller."""
        return KafkaAdminClient(bootstrap_servers=self.bootstrap)

    def _prepare(self) -> None:
        lines = [f"{key}={value}" for key, value in self._properties().items()]
        self._properties_file.write_text("\n".join(lines) + "\n")
        # The same 16 random bytes that StorageTool would make, without starting another JVM for them.
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        scram = [
            f"--add-scram={mechanism}=[name={USERNAME},password={PASSWORD}]"
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        ]
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", str(self._properties_file)]
        with self.log.open("ab") as log:
            subprocess.run(
                [*self._java("128m"), *tool, *scram],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _command(self) -> list[str]:
        return [*self._java("512m"), "kafka.Kafka", str(self._properties_file)]

    def _answers(self) -> bool:
        """Whether the broker has taken its partitions up: until then it is no member of its own cluster."""
        if not listens(self._plain):
            return False
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=2000)
        except KafkaError:
            return False
        try:
            cluster: dict[str, Any] = admin.describe_cluster()
        except KafkaError:
            return False
        finally:
            admin.close()
        return bool(cluster["brokers"])

    def _java(self, memory: str) -> list[str]:
        jars = fetch("kafka", KAFKA)
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return [str(system_java()), f"-Xmx{memory}", *QUICK_START, quiet, "-cp", class_path(jars)]

    def _properties(self) -> dict[str, str | int]:
        login = f'required username="{USERNAME}" password="{PASSWORD}" user_{USERNAME}="{PASSWORD}";'
        plain = f"org.apache.kafka.common.security.plain.PlainLoginModule {login}"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        logins = {
            f"listener.name.{listener}.{mechanism}.sasl.jaas.config": plain if mechanism == "plain" else scram
            for listener in ("sasl", "sasl_ssl")
            for mechanism in ("plain", "scram-sha-256", "scram-sha-512")
        }
        ports = {
            "PLAIN": self._plain,
            "SASL": self._sasl,
            "SASL_SSL": self._sasl_ssl,
            "PROXIED": self._behind_proxy,
        }
        told = ports | {"PROXIED": self._proxy}
        listeners = ports | {"CONTROLLER": self._controller}
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@localhost:{self._controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join(f"{name}://localhost:{port}" for name, port in listeners.items()),
            "advertised.listeners": ",".join(f"{name}://localhost:{port}" for name, port in told.items()),
            "listener.security.protocol.map": "PLAIN:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT,"
            "SASL:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
            "inter.broker.listener.name": "PLAIN",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            **logins,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._certificates.keystore_file),
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            # Four files instead of fifty: the first consumer group is there at once.
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            # A killed broker is let in again when its old self has timed out: 3 s instead of 9.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            # The default of 6 s would forbid tests that wait for a member to be missed.
            "group.min.session.timeout.ms": 1000,
            **self._extra,
        }
