"""Lists of addresses: CSV as people have it."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govwire.core.errors import ConfigError
from govwire.core.url_lists import ListedUrl, UrlList, read_list

A, B = "https://one.example/a", "https://two.example/b?x=1"


def _read(folder: Path, text: str | bytes) -> UrlList:
    path = folder / "list.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_list(path, ["one"])


def _listed(url: str, title: str | None = None, source_id: str | None = None) -> ListedUrl:
    return ListedUrl(url, title, source_id, "list.csv")


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        (f"{A}\n{B}\n", [_listed(A), _listed(B)]),
        (f"\n{A}\r\n\r\n{B}", [_listed(A), _listed(B)]),
        (f"\ufeffurl\n{A}\n", [_listed(A)]),
        (f"URL,Title,Note\n{A},Alpha,x\n{B}\n", [_listed(A, "Alpha"), _listed(B)]),
        (f"title;url;source\nAlpha, first;{A};one\n;{B};\n", [_listed(A, "Alpha, first", "one"), _listed(B)]),
        (f"url\ttitle\n{A}\tAlpha\n", [_listed(A, "Alpha")]),
        (f'"url","title"\n"{A}?a,b","two\nlines"\n', [_listed(f"{A}?a,b", "two\nlines")]),
        (f"{A},Alpha\n{B},Beta\n", [_listed(A), _listed(B)]),
        ("", []),
    ],
    ids=["lines", "blank lines", "a column", "more columns", "semicolons", "tabs", "quotes", "no header", "nothing"],
)
def test_every_usual_form_is_read(tmp_path: Path, text: str, pages: list[ListedUrl]) -> None:
    read = _read(tmp_path, text)
    assert (list(read.pages), read.bad) == (pages, ())


def test_bad_rows_are_named_by_their_line_and_the_others_read(tmp_path: Path) -> None:
    rows = ["url,source", f"{A},one", "nonsense,", f"{B},two", f"{B},one,more", "ftp://one.example/,", B]
    read = _read(tmp_path, "\n".join(rows))
    assert [page.url for page in read.pages] == [A, B]
    assert [(row.line, row.why.partition(":")[0].partition(";")[0]) for row in read.bad] == [
        (3, "address 'nonsense'"),
        (4, "unknown source 'two'"),
        (5, "3 cells, and the first row has 2"),
        (6, "address 'ftp"),
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None], ids=["no text", "no file"])
def test_a_file_that_cannot_be_read_is_a_mistake_of_its_user(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "list.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"list.csv: .*; give a CSV file in UTF-8"):
        read_list(path, [])


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B, "https://x.example/a,b;c", "nonsense"]), st.text()),
        min_size=1,
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_a_spreadsheet_writes_is_read_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([("url", "title"), *rows])
    read = _read(tmp_path_factory.mktemp("lists"), out.getvalue().encode("utf-8", "replace"))
    assert len(read.pages) + len(read.bad) == len(rows)
    assert [page.url for page in read.pages] == [url for url, _ in rows if url != "nonsense"]


@given(st.text(alphabet=st.sampled_from("url,;\t\r\n\"'\0 h:/.x\x85"), max_size=100))
def test_every_row_of_any_text_is_a_page_or_named(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    read = _read(tmp_path_factory.mktemp("lists"), text)
    assert {row.line for row in read.bad} <= set(range(1, 102))
    assert all(page.url.startswith("http") for page in read.pages)
