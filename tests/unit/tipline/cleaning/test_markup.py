"""XML: read strictly, written in one way."""

from __future__ import annotations

import pytest

from tipline.cleaning import markup as markup_module
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.markup import decode_markup, encode_text, read_markup, write_start


def read(xml: bytes | str) -> list[object]:
    """Read all of it."""
    return list(read_markup(decode_markup(xml.encode() if isinstance(xml, str) else xml)))


def refuse(xml: bytes | str) -> Reason:
    """Hold that *xml* is refused, and say why."""
    with pytest.raises(RefusedError) as caught:
        read(xml)
    return caught.value.reason


def test_markup_when_it_is_read_then_only_what_it_says_is_there() -> None:
    """Elements, attributes and text; how they were written is not."""
    assert read("<?xml version='1.0'?><!-- a --><a b = 'c'  d=\"&lt;&#65;&#x42;\n\"><?e?>f&amp;"
                "<![CDATA[<g>]]>\r\nh\r<i:j/></a >\n") == [
        ("a", {"b": "c", "d": "<AB "}),
        "f&",
        "<g>",
        "\nh\n",
        ("i:j", {}),
        None,
        None,
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_markup_when_it_is_unicode_then_it_is_read(encoding: str) -> None:
    """With its mark or without."""
    assert read("<a>é</a>".encode(encoding)) == [("a", {}), "é", None]


@pytest.mark.parametrize(
    "xml",
    [
        "",
        " ",
        "text",
        "<a/>text",
        "<a/><b/>",
        "text<a/>",
        "<a></b>",
        "</a>",
        "<a b=c/>",
        "<a b='c'd='e'/>",
        "<a b='c' b='d'/>",
        "<a b='<'/>",
        "<a>&b;</a>",
        "<a>& </a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>&#x110000;</a>",
        "<a>&#xFFFE;</a>",
        "<a>\x01</a>",
        "<é/>",
        "<:a/>",
        "<!DOCTYPE a><a/>",
        "<![CDATA[a]]>",
        "<a><!b></a>",
        b"<a>\xff</a>",
        b"\xff\xfe<\0a",
    ],
)
def test_markup_when_it_is_no_xml_then_it_is_refused(xml: bytes | str) -> None:
    """Strictly."""
    assert refuse(xml) == Reason.MALFORMED


@pytest.mark.parametrize("xml", ["<a>", "<a><b/>", "<!-- a", "<a><![CDATA[b]]", "<?a"])
def test_markup_when_it_ends_too_early_then_it_is_truncated(xml: str) -> None:
    """What begins ends."""
    assert refuse(xml) == Reason.TRUNCATED


def test_markup_when_it_declares_another_encoding_then_it_is_refused() -> None:
    """It would mean other characters."""
    assert refuse("<?xml version='1.0' encoding='koi8-r'?><a>é</a>") == Reason.UNSUPPORTED
    assert read("<?xml version='1.0' encoding='koi8-r'?><a>e</a>") == [("a", {}), "e", None]


def test_markup_when_it_is_too_deep_or_wide_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Depth and attributes are bounded."""
    monkeypatch.setattr(markup_module, "MAX_DEPTH", 2)
    monkeypatch.setattr(markup_module, "MAX_ATTRIBUTES", 2)

    read("<a><b c='1' d='2'/></a>")
    assert refuse("<a><b><c></c></b></a>") == Reason.TOO_COMPLEX
    assert refuse("<a b='1' c='2' d='3'/>") == Reason.MALFORMED


def test_markup_when_it_is_written_then_it_is_read_as_the_same() -> None:
    """Whatever stands in a value or a text."""
    text = "<>&\"'\t\n é"

    assert read(write_start("a", [("b", text)]) + ">" + encode_text(text) + "</a>") == [
        ("a", {"b": text}),
        text,
        None,
    ]
