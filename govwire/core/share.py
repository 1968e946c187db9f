"""Where the data that users edit and deployments need lie: in the wheel as `govwire/share/`, else in the checkout."""

from pathlib import Path

_PACKAGED = Path(__file__).resolve().parent.parent / "share"
_CHECKOUT = Path(__file__).resolve().parent.parent.parent


def shared(name: str) -> Path:
    """The folder `config`, `elasticsearch` or `kibana` as shipped with this program."""
    packaged = _PACKAGED / name
    if packaged.is_dir():
        return packaged
    return _CHECKOUT / (name if name == "config" else f"deploy/{name}")
