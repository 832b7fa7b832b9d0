"""CMaps and functions inside a PDF: the same tables, without what was said about them."""

from __future__ import annotations

import pytest

from tipline.cleaning import pdf_programs
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_filters import Budget
from tipline.cleaning.pdf_programs import is_predefined, rewrite_cmap, rewrite_function


def rewrite(data: bytes, *, is_unicode: bool = True) -> bytes:
    """Rewrite a CMap, and hold that twice is once."""
    cleaned = rewrite_cmap(data, Budget(), is_unicode=is_unicode)
    assert rewrite_cmap(cleaned, Budget(), is_unicode=is_unicode) == cleaned
    return cleaned


def test_cmap_when_it_has_texts_then_only_codes_stay() -> None:
    """Comments, names and what stands between the sections go."""
    cleaned = rewrite(
        b"%%Title: Ana\n/Ana (Ana) def 1 begincodespacerange <00><FF> endcodespacerange\n"
        b"2 beginbfchar <01> <0041> <02> /Aacute endbfchar (Ana)\n"
        b"1 beginbfrange <03> <05> [<0042> <0043> /x 7] endbfrange"
    )

    assert b"Ana" not in cleaned
    assert b"<00> <ff>\n" in cleaned
    assert b"2 beginbfchar\n<01> <0041>\n<02> /Aacute\nendbfchar\n" in cleaned
    assert b"<03> <05> [<0042> <0043> /x]\n" in cleaned


def test_cmap_when_a_section_is_long_then_it_is_cut_into_hundreds() -> None:
    """As the standard allows them; a line that lacks a part goes."""
    lines = b"".join(b"<%04x> <%04x>\n" % (code, code) for code in range(150))

    cleaned = rewrite(b"150 beginbfchar " + lines + b"<ffff> endbfchar")

    assert b"100 beginbfchar\n" in cleaned
    assert b"50 beginbfchar\n" in cleaned
    assert b"ffff" not in cleaned


def test_cmap_when_it_leads_to_glyphs_then_numbers_stay() -> None:
    """With its direction, and the predefined table that it rests on."""
    cleaned = rewrite(
        b"/UniJIS-UTF16-V usecmap /WMode 1 def 1 begincidrange <0000> <00ff> 7 endcidrange",
        is_unicode=False,
    )

    assert b"/UniJIS-UTF16-V usecmap\n/WMode 1 def\n" in cleaned
    assert b"<0000> <00ff> 7\n" in cleaned


@pytest.mark.parametrize("data", [b"usecmap", b"/Anas usecmap", b"1 usecmap"])
def test_cmap_when_it_rests_on_one_of_its_own_then_it_is_refused(data: bytes) -> None:
    """Without it the codes would lead elsewhere."""
    with pytest.raises(RefusedError) as caught:
        rewrite(data)

    assert caught.value.reason == Reason.UNSUPPORTED
    assert is_predefined("Identity-H")
    assert not is_predefined("Identity-HV")


def test_cmap_when_it_is_too_long_then_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """More lines than a font has glyphs."""
    monkeypatch.setattr(pdf_programs, "MAX_RANGES", 3)

    with pytest.raises(RefusedError):
        rewrite(b"1 beginbfchar " + b"<01> <02>" * 9 + b" endbfchar")


def test_function_when_it_has_a_comment_then_it_goes() -> None:
    """Numbers, operators and brackets are all there is."""
    assert rewrite_function(b"{ 1 % Ana\n exch\tsub}", Budget()) == b"{ 1 exch sub }"
    for data in (b"{ (Ana) }", b"{ Ana }", b"{ /Ana }", b"[ 1 ]"):
        with pytest.raises(RefusedError):
            rewrite_function(data, Budget())
