"""
Feeds PDFs with annotations and forms, made by chance, to Python's cleaning and to the page's, and
compares: `python -m fuzz.pdf_forms [--seconds N] [--seed N]`.

What is damaged elsewhere keeps the shape of a case that somebody thought of. Here fields hang on
each other in any way, in rings too, and have any value, flag and appearance. In Python qpdf draws
them; the page has to draw the same, to the last digit.

A finding is written to the folder where it runs, as `finding-SHA256`, and the exit code is 1.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final, TypeVar

from fuzz.running import read_no_seeds, run_cases, run_program
from tests.page_cleaning import PageCleaning, plan_in_python, run_page_cleaning
from tests.pdfs import make_page, make_pdf, make_stream

Item = TypeVar("Item")

_WIDGETS: Final = range(10, 16)
_FIELDS: Final = range(25, 28)
# Each stands in one place: which of those that share one are drawn anew depends on qpdf's memory.
_PICTURES: Final = range(40, 64)
_NUMBERS: Final = (
    b"0", b"1", b"9", b"-3", b".5", b"100", b"12.345678", b"-0.00001", b"7.", b"200", b"1000000",
    b"33.3333333", b"0.015625",
)  # fmt: skip
_CONTENTS: Final = (
    b"1 2 3 4 re f", b"/Tx BMC q (old) Tj Q EMC", b"/Tx BMC\nEMC", b"/G gs /F 9 Tf (x) Tj",
    b"BMC(a)Tj EMC 1 w", b"/Fxo1 Do /H 3 Tf",
)  # fmt: skip
_LOOKS: Final = (
    b"(/F 9 Tf)", b"(/F 0 Tf 0 g)", b"(1 0 0 rg /F 12.5 Tf)", b"(/H 5000 Tf)", b"(Tf)",
    b"(/F 1 Tf % x)", b"(/X#46 7 Tf)", b"<feff002f0046002000390020005400660020>",
    b"(\\351 /F 9 Tf)",
)  # fmt: skip
_VALUES: Final = (
    b"(Ana)", b"(a\\351\\200b)", b"<feff00e920ac00410142>", b"(two)", b"(b(c\\)d)", b"/Yes",
    b"/Off", b"5", b"()", b"/A", b"(two\\nlines)", b"<efbbbfc3a9>",
)  # fmt: skip
_FLAGS: Final = (0, 8_192, 1 << 15, 1 << 16, 1 << 17, 3 << 14)
_CHOICES: Final = b"/Opt [(a) [(x) (two)] (Ana) (c) 5 [(q)] (d) (e)] "


def make_cases(chance: random.Random) -> Iterator[bytes]:
    """
    Make PDFs without end.

    Args:
        chance: What is taken for what.

    Yields:
        Files.
    """
    while True:
        yield _Maker(chance).make()


def compare(data: bytes, page: PageCleaning) -> bool:
    """
    Hold that both make the same of a file.

    Args:
        data: A PDF.
        page: The page's cleaning.

    Returns:
        Whether it was cleaned.

    Raises:
        AssertionError: they differ.
    """
    answer, expected = page.clean(data), plan_in_python(data)
    assert {name: answer.get(name) for name in expected} == expected, "the page does otherwise"
    return "refused" not in answer


class _Maker:
    """Makes one file."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._pictures = iter(_PICTURES)
        self._objects: dict[int, bytes] = {}

    def make(self) -> bytes:
        """Make it."""
        encoding = self._one(b"WinAnsiEncoding", b"MacRomanEncoding", b"Foo")
        font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /%s >>" % encoding
        self._objects = {8: font, 30: b"<< /Font << /F 8 0 R >> /ProcSet [/PDF] >>"}
        self._objects |= {number: self._annotation(number) for number in _WIDGETS}
        self._objects |= {number: self._field() for number in _FIELDS}
        shown = [
            self._annotation(99) if self._is(0.15) else self._refer(_WIDGETS)
            for _ in range(self._chance.randint(1, 6))
        ]
        annotations = b"[%s]" % b" ".join(shown)
        if self._is(0.2):
            self._objects[33], annotations = annotations, b"33 0 R"
        angle = self._maybe(b"/Rotate ", self._one(b"90", b"180", b"270", b"45", b"-90", b"9.5"))
        resources = self._one(b"", b"/ExtGState << /Fxo2 5 >>", b"/XObject << /Fxo1 64 0 R >>")
        self._objects[64] = self._picture()
        self._objects[3] = make_page(b"/Annots %s %s" % (annotations, angle), resources=resources)
        return make_pdf(self._objects, root=self._form())

    def _form(self) -> bytes:
        fields = [self._refer(_WIDGETS), self._refer(_FIELDS), self._refer(_WIDGETS)]
        shared = self._one(b"<< /Font << /F 8 0 R /H 8 0 R >> >>", b"30 0 R", b"<< /Font 5 >>")
        entries = (
            self._maybe(b"/Fields ", b"[%s] " % b" ".join(fields), share=0.9)
            + self._maybe(
                b"/NeedAppearances ", self._one(b"true ", b"true ", b"false ", b"5 "), 0.9
            )
            + self._maybe(b"/DR ", shared)
            + self._maybe(b"/DA ", self._one(*_LOOKS))
        )
        return self._maybe(b"/AcroForm ", b"<< %s >>" % entries, share=0.9)

    def _annotation(self, number: int) -> bytes:
        kind = self._one(b"Widget", b"Widget", b"Widget", b"Stamp", b"Link", b"Popup", b"FreeText")
        place = self._one(self._list(4), b"[9 9 18 18]", b"[100 100 20 30]")
        flags = self._one(b"0", b"2", b"4", b"16", b"20", b"32", b"1", b"99999999999")
        made = b"<< /Subtype /%s " % kind + self._maybe(b"/Rect ", place, share=0.95)
        made += self._maybe(b" /F ", flags) + self._maybe(b" /AP ", self._appearance(), share=0.75)
        if kind == b"Widget":
            made += self._maybe(b" /FT /", self._one(b"Tx", b"Tx", b"Ch", b"Btn", b"Sig"))
            made += self._maybe(b" /Ff ", b"%d" % self._chance.choice(_FLAGS), share=0.4)
            made += self._maybe(b" /T ", b"(f%d)" % number) + self._maybe(b" ", _CHOICES, share=0.3)
            made += self._maybe(b" /V ", self._one(*_VALUES))
            made += self._maybe(b" /DA ", self._one(*_LOOKS))
            above = self._refer(self._one(_FIELDS, _FIELDS, _WIDGETS))
            made += self._maybe(b" /Parent ", above, share=0.4)
        return made + b" >>"

    def _field(self) -> bytes:
        kids = b" ".join(self._refer(_WIDGETS) for _ in range(3))
        return b"<< /Kids [%s] %s >>" % (
            kids,
            self._maybe(b"/FT /", self._one(b"Tx", b"Ch", b"Btn"))
            + self._maybe(b" /V ", self._one(*_VALUES))
            + self._maybe(b" /Ff ", b"%d" % self._chance.choice(_FLAGS))
            + self._maybe(b" /DA ", self._one(*_LOOKS))
            + self._maybe(b" /T ", b"(p)")
            + self._maybe(b" /Parent ", self._refer(_FIELDS), share=0.3),
        )

    def _appearance(self) -> bytes:
        one, other = self._add_picture(), self._add_picture()
        states = b"<< /N << /Yes %d 0 R /Off %d 0 R >> >>" % (one, other)
        chosen = states + self._one(b"", b" /AS /Yes", b" /AS /Off", b" /AS /A")
        return self._one(b"<< /N %d 0 R >>" % one, b"<< /N %d 0 R >>" % one, chosen, b"5", b"<< >>")

    def _add_picture(self) -> int:
        number = next(self._pictures, _PICTURES[0])
        self._objects[number] = self._picture()
        return number

    def _picture(self) -> bytes:
        box = self._one(b"[0 0 9 9]", b"[9 9 0 0]", self._list(4), self._list(3))
        own = self._one(b"", b"<< >>", b"30 0 R", b"<< /Font << /F 8 0 R >> >>", b"<< /Font 5 >>")
        entries = self._maybe(b"/Subtype ", b"/Form ", share=0.8)
        entries += self._maybe(b"/BBox ", box, share=0.95)
        entries += self._maybe(b" /Matrix ", self._list(6), share=0.4)
        entries += b" /Resources " + own if own else b""
        return make_stream(self._one(*_CONTENTS), entries, is_deflated=self._is(0.3))

    def _list(self, length: int) -> bytes:
        return b"[%s]" % b" ".join(self._one(*_NUMBERS) for _ in range(length))

    def _refer(self, numbers: range) -> bytes:
        return b"%d 0 R" % self._chance.choice(numbers)

    def _maybe(self, name: bytes, value: bytes, share: float = 0.6) -> bytes:
        return name + value if self._is(share) else b""

    def _one(self, *items: Item) -> Item:
        return self._chance.choice(items)

    def _is(self, share: float) -> bool:
        return self._chance.random() < share


def run(
    seeds: list[bytes], *, seed: int, seconds: float = float("inf"), cases: float = float("inf")
) -> tuple[int, int]:
    """
    Compare cases until time or number is used up.

    Args:
        seeds: None are needed.
        seed: Of chance.
        seconds: At most so long.
        cases: At most so many.

    Returns:
        How many cases there were, and how many of them were cleaned.

    Raises:
        AssertionError: a case differs; it was written to a file.
    """
    del seeds
    made = make_cases(random.Random(seed))
    with run_page_cleaning() as page:
        return run_cases(made, lambda case: compare(case, page), seconds=seconds, count=cases)


if __name__ == "__main__":
    run_program("fuzz.pdf_forms", run, read_no_seeds, taken="cleaned")
