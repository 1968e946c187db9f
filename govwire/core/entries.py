"""What the tables of config files have in common."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from govwire.core.errors import UrlError
from govwire.core.urls import clean


def _web_address(url: str) -> str:
    try:
        return clean(url)
    except UrlError as error:
        raise ValueError(str(error)) from error


Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,60}$")]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class Entry(BaseModel):
    """A table of a config file; an unknown key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Named(Entry):
    """An entry with an id of its own."""

    id: Id
