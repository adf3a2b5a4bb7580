from __future__ import annotations

import matplotlib.figure
import pytest

from tf_dlth.errors import UserError
from tf_dlth.reporting.page.content import Command, Notes, Page, Paragraph, Picture, Pictures, Section, Table, drawn
from tf_dlth.reporting.page.rendering import contents, html, numeric_columns, prefixes

HOSTILE = '<script>alert("x")</script> & \'"'


def page(name: str = "run", text: str = "some text") -> Page:
    figure = matplotlib.figure.Figure()
    axes = figure.add_subplot()
    axes.plot([1, 2])
    axes.set_title(text, parse_math=False)
    picture = Picture(b"\x89PNG", (8, 9), f"alt {text}", text, enlarged=True)
    table = Table("numbers", text, ["class", "%"], [[text, "1.5"], ["b", "-"]])
    exact = Table("exact", "unrounded", ["x"], [["0.33"]], [{"x": 1 / 3}])
    blocks = [
        Paragraph(text), Notes([text, "two"]), Command(text), table, exact, drawn("one", figure, text, text),
        drawn("two", figure, text, text), Pictures(text, [picture]),
    ]  # fmt: skip
    return Page(name, text, text, [Section(text, blocks), Section("last", [])])


def test_one_file_that_needs_nothing_else(parsed):
    document = parsed(html([page()]))
    assert not document.all("script") and not document.all("link")
    found = [value for _, attributes in document.elements for key, value in attributes.items() if "http" in value]
    assert set(found) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert document.all("img")[0]["src"] == "data:image/png;base64,iVBORw=="


def test_what_a_reader_that_does_not_see_needs(parsed):
    document = parsed(html([page()]))
    assert document.all("html")[0]["lang"] == "en"
    assert len(document.ids) == len(set(document.ids))
    assert [image["alt"] for image in document.all("img")] == ["alt some text"]
    assert [svg["aria-label"] for svg in document.all("svg")] == ["some text"] * 2
    assert {head["scope"] for head in document.all("th")} == {"col", "row"}
    labels = [a["aria-labelledby"] for _, a in document.elements if "aria-labelledby" in a]
    assert labels and set(labels) <= set(document.ids)
    targets = [a["href"][1:] for a in document.all("a") if a["href"].startswith("#")]
    assert len(targets) == 2 and set(targets) <= set(document.ids)
    assert [len(document.all(f"h{level}")) for level in (1, 2, 3)] == [1, 2, 0]


def test_text_is_text_wherever_it_stands(parsed):
    document = parsed(html([page("run", HOSTILE)]))
    assert not document.all("script")
    for tag in ("h1", "h2", "p", "li", "code", "th", "figcaption", "title"):
        assert HOSTILE in document.text(tag), tag
    assert document.all("img")[0]["alt"] == f"alt {HOSTILE}"
    assert document.all("svg")[0]["aria-label"] == HOSTILE


def test_files_beside_the_page(parsed):
    found = contents([page()])
    assert list(found) == ["index.html", "numbers.csv", "exact.csv", "one.svg", "one.png", "two.svg", "two.png"]
    assert found["numbers.csv"] == b"class,%\nsome text,1.5\nb,-\n"
    assert found["exact.csv"] == b"x\n0.3333333333333333\n"
    links = {a["href"] for a in parsed(found["index.html"]).all("a") if not a["href"].startswith("#")}
    assert links == found.keys() - {"index.html"}


def test_the_same_input_gives_the_same_bytes():
    assert contents([page()]) == contents([page()])


def test_several_pages_in_one(parsed):
    found = contents([page("a"), page("b")])
    assert {"index.html", "a-numbers.csv", "b-numbers.csv", "a-one.png", "b-two.svg"} <= found.keys()
    document = parsed(found["index.html"])
    assert len(document.ids) == len(set(document.ids))
    assert [len(document.all(f"h{level}")) for level in (1, 2, 3)] == [1, 2, 4]
    links = {a["href"] for a in document.all("a") if not a["href"].startswith("#")}
    assert links == found.keys() - {"index.html"}


def test_two_pages_of_one_name():
    with pytest.raises(UserError, match="the same name"):
        prefixes([page("a"), page("a")])


def test_two_blocks_of_one_name_are_a_fault():
    table = Table("t", "", ["a"], [["1"]])
    with pytest.raises(AssertionError, match=r"t\.csv"):
        contents([Page("p", "", "", [Section("s", [table, table])])])


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [
        (["1", "-2.5", "+3", "1,024"], True),
        (["93.2 ± 1.1", "-", ""], True),
        (["5%"], True),
        (["-", ""], False),
        (["500 to train"], False),
        (["3.1 conv1", "2"], False),
        (["1e-05"], True),
    ],
)
def test_columns_of_numbers(cells: list[str], numeric: bool):
    table = Table("t", "", ["first", "other"], [["name", cell] for cell in cells])
    assert numeric_columns(table) == [False, numeric]
