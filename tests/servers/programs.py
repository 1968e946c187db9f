"""System programs that the tests need: found, or named with the Debian package that brings them. Nothing is skipped.

`python -m servers.programs` (with tests/ on the path) checks all of them at once; `make test` runs it before anything.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path


class MissingProgramError(Exception):
    """A program is not installed; the message names the Debian package."""


@dataclass(frozen=True)
class Program:
    """A program by any of its names, the Debian package it comes with, and folders beside PATH where it may lie."""

    names: tuple[str, ...]
    package: str
    folders: str = ""

    def find(self) -> Path | None:
        """Where the program lies, or None; of several versions the newest."""
        for name in self.names:
            if on_path := shutil.which(name):
                return Path(on_path).resolve()
        found = [folder / name for folder in self._folders() for name in self.names if (folder / name).exists()]
        return found[0] if found else None

    def require(self) -> Path:
        """Where the program lies.

        Raises:
            MissingProgramError: it is not installed.
        """
        if path := self.find():
            return path
        raise MissingProgramError(f"{self.names[0]} is not installed; on Debian: apt-get install {self.package}")

    def _folders(self) -> list[Path]:
        if not self.folders:
            return []
        matches = Path("/").glob(self.folders.removeprefix("/"))
        return sorted(matches, key=lambda folder: [int(digits) for digits in folder.parts if digits.isdigit()])[::-1]


MAVEN = Program(("mvn",), "maven")
JAVA = Program(("java",), "default-jdk-headless")
# Debian keeps the server's programs off PATH, by version.
INITDB = Program(("initdb",), "postgresql", "/usr/lib/postgresql/*/bin")
CHROMIUM = Program(("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"), "chromium")

ALL = (MAVEN, JAVA, INITDB, CHROMIUM)


def as_root() -> bool:
    """Whether these tests run as root, which PostgreSQL and Chromium's sandbox refuse."""
    return os.geteuid() == 0


def main() -> int:
    """Say what is missing, one line each and one command for all; 0 when nothing is."""
    missing = [program for program in ALL if program.find() is None]
    for program in missing:
        print(f"{program.names[0]} is not installed", file=sys.stderr)
    if missing:
        packages = " ".join(sorted({program.package for program in missing}))
        print(f"The tests start real servers. On Debian: apt-get install {packages}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
