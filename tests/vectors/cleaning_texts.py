"""The cases of plain text and CSV, for `make_cleaning_vectors`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]


def list_texts() -> Iterator[Case]:
    """List the cases of text."""
    yield "txt", "stays byte for byte", ["seen at the depot\n\té 🙂\n".encode()]
    yield "windows", "ends of lines and marks of a system go", [b"\xef\xbb\xbfseen\r\nat\rnight\n"]
    yield (
        "utf-16",
        "it is UTF-8 afterwards",
        ["seen é\r\n".encode("utf-16-le").join([b"\xff\xfe", b""])],
    )
    yield "utf-16-big", "likewise", [b"\xfe\xff" + "seen".encode("utf-16-be")]
    yield (
        "invisible",
        "characters that nobody sees go",
        ["se\u200be\u00adn\u2060 \ufeff\U000e0041at \u200dnight".encode()],
    )
    for name, text in (
        ("rows", "\u2764\ufe0f\ufe01 \u845b\U000e0100\U000e0101 \u0915\u200d\u200c"),
        ("nowhere", "s\ufe0fe\u200de\u034fn\U000e0100"),
        ("mixed", "a\ufe0f\u200db \u2764\u200b\ufe0f\u200d\U0001f525 \u05b8\u034f"),
        ("unassigned", "se\u2065e\ufff0n\U000e0fff \U0001d173at \u17b4night"),
    ):
        yield f"invisible-{name}", "what can change what is seen stays", [text.encode()]
    yield "older-code", "its bytes stay", [b"se\xf1or\r\n\x93a\x94\xad"]
    yield "older-code-alone", "mostly not ASCII", [b"\xf1\xe9 a"]
    yield "older-code-by-its-ends", "mostly not ASCII without its returns", [b"\x89P\xe1G\r\n" * 2]
    yield "older-code-marked", "what looks like a mark is none", [b"\xef\xbb\xbfthe se\xf1or"]
    yield "long", "it is read whole", [(b"0123456789abcdef\n", 10_000), b"\r\n"]
    yield "csv-broken-lines", "a table whose cells have lines is a text", [b'a;b;c\n1;"2;;\n";3\n']
    yield "csv-of-words", "stays byte for byte", [b"name,city\nBea,Leon\nCleo,Lima\n"]
    yield "csv-tabs", "ends of lines", [b"a\tb\tc\r\n1\t2\t3\r\n"]
    yield "letter", "a comma is no table", [b"Dear all,\nbye, then\n"]
    yield "mark-alone", "nothing is left", [b"\xef\xbb\xbf"]
    yield "invisible-alone", "nothing is left", ["\u200b\u200b".encode()]
    yield "control", "a control character", [b"seen\x08 at night"]
    yield "control-late", "wherever it is", [(b"seen ", 20_000), b"\0"]
    yield "control-high", "also such a one", ["seen\u0085".encode()]
    yield "half", "half a character", [b"\xff\xfea"]
    yield "markup", "formats that only look like text", [b" \n<svg/>"]
    yield "markup-hidden", "also behind what goes", ["\u200b{\\RTF1}".encode()]
    yield "mail", "likewise", [b"X-Mailer: a\n\nseen"]
    yield "mail-saved", "a field that nobody reads", [b"From: a\nTo:\n b\nMessage-ID: <c>\n\nseen"]
    yield "mail-copied", "fields that are shown stay", [b"From: a\nSubject: b\n\nReceived: c\n"]
    yield "mail-part", "also further down", [b"seen\n--a\nContent-Transfer-Encoding: base64\n"]
    yield "page-saved", "a page of the web", [b"From: <a>\r\nSnapshot-Content-Location: b\r\n"]
    yield "pdf-behind", "viewers find it there", [b"seen\n%PDF-1.7\n"]
    yield "pdf-far-behind", "and not there", [(b"seen ", 205), b"%PDF-1.7\n"]
    for name, start in {
        "step": b"ISO-10303-21;\nHEADER;\n",
        "uuencode": b"begin 644 a.jpg\n",
        "netpbm": b"P3\n# by Ana\n",
        "dxf": b"  0\nSECTION\n  2\n",
    }.items():
        yield name, "formats that only look like text", [start]
    yield "another-format", "also behind what goes", [b"\xef\xbb\xbfGIF89a"]
