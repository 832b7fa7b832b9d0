"""Words by which a source orders instead of telling."""

from __future__ import annotations

import pytest

from tipline.gateway.keywords import Order, find_order


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("STOP", (Order.STOP, None)),
        ("stop", (Order.STOP, None)),
        (" Stop! ", (Order.STOP, None)),
        ("BAJA", (Order.STOP, "es")),
        ("«Baja».", (Order.STOP, "es")),
        ("parar\n", (Order.STOP, "pt")),
        ("ESTADO", (Order.STATUS, "es")),
        ("¿Estado?", (Order.STATUS, "es")),
        ("estádo", (Order.STATUS, "es")),
        ("status", (Order.STATUS, None)),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER S}TATUS", (Order.STATUS, None)),
        ("STOP\u200b", (Order.STOP, None)),
    ],
)
def test_order_when_the_word_is_all_of_it_then_it_is_found(
    text: str, found: tuple[Order, str | None]
) -> None:
    """Case, accents, marks and spaces around the word do not matter."""
    assert find_order(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stop them",
        "s t o p 1",
        "el estado de la obra",
        "status2",
        "para",
        "no baja",
        "stop" + " " * 40,
        "🛑",
    ],
)
def test_order_when_there_is_more_than_the_word_then_it_is_a_tip(text: str) -> None:
    """Nothing that tells anything is taken for an order."""
    assert find_order(text) is None
