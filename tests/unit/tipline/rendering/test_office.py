"""Office documents, where LibreOffice is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tipline.rendering import office
from tipline.rendering.answers import FailedError, Failure


def test_document_when_libreoffice_is_missing_then_the_reason_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person is told what to install, and not that the file is at fault."""
    monkeypatch.setattr(office, "PROGRAM", tmp_path / "soffice.bin")
    with pytest.raises(FailedError) as caught:
        office.convert_office(tmp_path / "shown")
    assert caught.value.failure == Failure.NO_OFFICE


def test_document_when_nothing_comes_of_it_then_it_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A LibreOffice that asks to be started again and again is not asked for ever."""
    program, counted = tmp_path / "soffice.bin", tmp_path / "counted"
    program.write_text(f'#!/bin/sh\necho "$LD_LIBRARY_PATH" >>"{counted}"\nexit 81\n')
    program.chmod(0o700)
    monkeypatch.setattr(office, "PROGRAM", program)
    monkeypatch.setattr(office, "PLACE", tmp_path)
    with pytest.raises(FailedError) as caught:
        office.convert_office(tmp_path / "shown")
    assert caught.value.failure == Failure.UNREADABLE
    assert counted.read_text().splitlines() == [str(tmp_path)] * office.MAX_STARTS
