"""What a terminal may be shown."""

from __future__ import annotations

import io

import pytest

from tipline.errors import UsageError
from tipline.terminal import TerminalText


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_text_when_plain_then_it_is_shown_however_it_arrives(step: int) -> None:
    """Text in any script is passed on, also if a character comes in two pieces."""
    value = "Señal\tחדשות 消息 🙂 a\u00a0b\n".encode()
    shown = io.BytesIO()
    text = TerminalText(shown)
    for start in range(0, len(value), step):
        text.write(memoryview(value)[start : start + step])

    assert shown.getvalue() == value


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x1b[2J",
        b"a\rb",
        b"\x07",
        b"\x7f",
        "\x9b2J".encode(),  # the one-byte form of ESC [
        "\u202egnirts".encode(),  # turns the direction round
        "\u200b".encode(),
        b"\xff",
        b"\xc3(",
    ],
)
def test_text_when_it_would_command_the_terminal_then_it_is_refused(hostile: bytes) -> None:
    """Control and invisible characters, and what is not UTF-8, do not reach the terminal."""
    shown = io.BytesIO()
    text = TerminalText(shown)
    text.write(b"before")
    with pytest.raises(UsageError) as caught:
        text.write(b"with " + hostile)

    assert caught.value.code == "age_terminal"
    assert shown.getvalue() == b"before"
