"""Java libraries by Maven, fetched once into `.servers/` in the checkout, which git ignores.

The versions of every server are pinned here and nowhere else. Several test processes may ask at the same moment: one
fetches, the others wait for it.
"""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.programs import MAVEN

# Without slf4j-simple the broker has nowhere to say why it did not start.
KAFKA = ("org.apache.kafka:kafka_2.13:4.1.0", "org.slf4j:slf4j-simple:1.7.36")
ELASTIC_VERSION = "9.5.3"
ELASTIC = (
    f"org.elasticsearch:elasticsearch:{ELASTIC_VERSION}",
    f"org.elasticsearch.plugin:transport-netty4:{ELASTIC_VERSION}",
)
# A Java compiler as a library: Debian 12's javac 17 cannot read Elasticsearch 9's classes.
COMPILER = ("org.eclipse.jdt:ecj:3.43.0",)

CACHE = Path(__file__).resolve().parents[2] / ".servers"

_POM = """<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>govwire.tests</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


class FetchError(Exception):
    """Maven could not fetch; the message holds its last lines."""


@contextmanager
def _only_one_builds() -> Iterator[None]:
    """Hold the cache's lock; the kernel frees it when a process dies."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cached(name: str, key: str, build: Callable[[Path], None]) -> Path:
    """The cache folder for `name` and `key`, filled by `build` the first time.

    A folder is complete or not there: it is built beside its place and renamed. `build` must not call this function.
    """
    folder = CACHE / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    with _only_one_builds():
        if folder.is_dir():
            return folder
        unfinished = Path(tempfile.mkdtemp(prefix=f"{name}-unfinished-", dir=CACHE))
        try:
            build(unfinished)
            # mkdtemp makes it private; a server may run under another user.
            unfinished.chmod(0o755)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def fetch(name: str, coordinates: tuple[str, ...]) -> Path:
    """The folder with these artifacts (`group:artifact:version`) and all they depend on.

    Raises:
        MissingProgramError: Maven is needed and not installed.
        FetchError: Maven failed.
    """

    def build(folder: Path) -> None:
        dependencies = "".join(_DEPENDENCY.format(*coordinate.split(":")) for coordinate in coordinates)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            pom = Path(work) / "pom.xml"
            pom.write_text(_POM.format(dependencies=dependencies))
            copy = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
            done = subprocess.run(
                [MAVEN.require(), "-q", "-B", "-f", pom, *copy],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        if done.returncode:
            raise FetchError(f"mvn could not fetch {', '.join(coordinates)}: {done.stdout[-2000:]}")

    return cached(name, " ".join(coordinates), build)
