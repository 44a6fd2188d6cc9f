"""Names are shown letter by letter wherever they go; numbers read well."""

from html.parser import HTMLParser

import pytest
from gsseg_viewer.text import escaped, extent, length, plural
from hypothesis import given
from hypothesis import strategies as st


class Reader(HTMLParser):
    """What a browser makes of a piece of html."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", 0

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags += 1


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(f"<p>{html}</p>")
    reader.close()
    reader.tags -= 1
    return reader


@given(st.text())
def test_html_shows_every_name_letter_by_letter(name: str):
    reader = read(escaped(name))
    visible = "".join(" " if letter.isspace() else letter for letter in name)
    assert reader.text == " ".join("".join(letter for letter in visible if letter.isprintable()).split())
    assert reader.tags == 0


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_nothing_that_markdown_knows_is_left(name: str):
    """Besides words, spaces and the references themselves, whose letters are ``&#;``."""
    left = escaped(name).replace("&#", "").replace(";", "")
    assert all(letter.isalnum() or letter in " ,?" for letter in left)


@pytest.mark.parametrize(
    "name",
    ["<img src=x onerror=alert(1)>", "![x](http://evil.example/a.png)", "{alert(1)}", "# title", "- item", "1. item",
     "`code`", "a\n\nb", "import x from 'y'", "https://evil.example", "&lt;", '" onmouseover="x'],
)  # fmt: skip
def test_no_name_is_markup(name: str):
    html = escaped(name)
    assert not set(html) & set("<>{}[]()`*_!\"'\n\\/:")
    assert read(html).text == " ".join(name.split())


def test_what_nobody_sees_is_left_out():
    assert escaped("chair\u202egpj\u200b\x00") == "chairgpj"


def test_numbers_have_their_noun():
    assert plural(1, "object") == "1 object"
    assert plural(0, "object") == "0 objects"
    assert plural(12345, "Gaussian") == "12,345 Gaussians"
    assert plural(2, "copy", "copies") == "2 copies"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (1.5, "1.5"), (0.01234, "0.0123"), (12.345, "12.3"), (99.96, "100"), (123.4, "123"),
     (1234.5, "1,230"), (-0.5, "-0.5"), (0.00002, "0.00002"), (1e-9, "1.00e-09"), (3e12, "3.00e+12"),
     (float("nan"), "?"), (float("inf"), "?")],
)  # fmt: skip
def test_lengths_have_three_digits(value: float, text: str):
    assert length(value) == text


@given(st.floats(1e-5, 1e8))
def test_a_length_is_near_what_it_says(value: float):
    assert float(length(value).replace(",", "")) == pytest.approx(value, rel=0.006)


def test_a_box_has_three_lengths():
    assert extent((0.0, 0.0, -1.0), (1.2, 0.8, -0.25)) == "1.2 \u00d7 0.8 \u00d7 0.75"
