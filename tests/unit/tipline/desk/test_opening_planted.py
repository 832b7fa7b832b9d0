"""Something already stands where an opening wants to write: nothing is written through it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from tests.unit.tipline.desk.test_opening import DAY, make_tar
from tipline.desk.opening import TipOutcome, open_bundle
from tipline.desk.vault import Vault

OUTSIDE = b"somebody's own file"


def link_file(vault: Vault, outside: Path) -> None:
    """Another name of the file stands where the payload is written."""
    (vault.directory / "opening" / "payload.tar").hardlink_to(outside / "file")


def point_at_file(vault: Vault, outside: Path) -> None:
    """A link that leads to the file stands there."""
    (vault.directory / "opening" / "payload.tar").symlink_to(outside / "file")


def point_at_nothing(vault: Vault, outside: Path) -> None:
    """A link that leads to a name that is free stands there."""
    (vault.directory / "opening" / "payload.tar").symlink_to(outside / "free")


def point_at_directory(vault: Vault, outside: Path) -> None:
    """A link that leads to a directory stands where the tip's own is made."""
    (vault.directory / "opening" / f"{1:032x}").symlink_to(outside)


@pytest.mark.parametrize("is_foreign", [False, True])
@pytest.mark.parametrize("plant", [link_file, point_at_file, point_at_nothing, point_at_directory])
def test_opening_when_something_stands_in_its_way_then_nothing_outside_is_written(
    line: Any,
    ana: HybridIdentity,
    tmp_path: Path,
    plant: Callable[[Vault, Path], None],
    is_foreign: bool,
) -> None:
    """INV-09: what stands there is not followed and not overwritten; the opening ends aloud."""
    vault = line.make_vault(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "file").write_bytes(OUTSIDE)
    hostile = line.seal_payload(make_tar(("../x", b"x", {}))) if is_foreign else line.seal("second")

    def plant_after_the_first(_outcome: TipOutcome) -> None:
        plant(vault, outside)

    with pytest.raises(FileExistsError):
        open_bundle(
            io.BytesIO(line.bundle(line.seal("first"), hostile)),
            vault=vault,
            identities=[ana],
            today=DAY,
            on_tip=plant_after_the_first,
        )

    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_bytes() == OUTSIDE
    assert outside.stat().st_mode & 0o777 == 0o755
    assert list((vault.directory / "opening").iterdir()) == []
    assert [path.name for path in (vault.directory / "tips").iterdir()] == ["0" * 32]
    assert list((vault.directory / "foreign").iterdir()) == []
