"""Whose word a crawl takes for a site's name: the system's authorities, and those of an office's own."""

import os
import ssl
from pathlib import Path

from govwire.core.errors import ConfigError


def trust(ca_file: Path, data_dir: Path) -> None:
    """Let this process trust the authorities in a file beside those of the system.

    OpenSSL reads one file and one folder, named by SSL_CERT_FILE and SSL_CERT_DIR. Once either is set it looks nowhere
    else, so both are, and the file holds what the system's holds too.

    Raises:
        ConfigError: the file is not there, or holds no certificate.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
        own = ca_file.read_bytes()
    except OSError as error:  # ssl.SSLError is one
        why = "not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise ConfigError(f"fetch.ca_file {ca_file}: {why}; name a PEM file of authorities") from error
    system = ssl.get_default_verify_paths()
    theirs = Path(system.cafile).read_bytes() if system.cafile else b""
    data_dir.mkdir(parents=True, exist_ok=True)
    both = data_dir / f"authorities-{os.getpid()}.pem"
    both.write_bytes(theirs + b"\n" + own)
    both = both.replace(data_dir / "authorities.pem")
    os.environ["SSL_CERT_FILE"] = str(both.resolve())
    if system.capath:
        os.environ["SSL_CERT_DIR"] = system.capath
