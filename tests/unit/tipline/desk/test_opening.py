"""Opening bundles into a vault: what gets a name, what does not, and what is said."""

from __future__ import annotations

import datetime
import errno
import io
import json
import os
import resource
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.age import file as age_file
from crypto.age.hybrid import HybridIdentity
from crypto.bundle import START
from crypto.errors import ForgedError, KeysetError
from crypto.ladder import RUNGS, TEXT_RUNG, payload_len_of
from crypto.note import Signer
from tipline.desk.opening import BundleOutcome, open_bundle
from tipline.desk.vault import Vault
from tipline.errors import BundleError, VaultError

DAY = datetime.date(2026, 11, 21)
SMALL = payload_len_of(RUNGS[1])


def open_into(vault: Vault, bundle: bytes, *identities: HybridIdentity) -> BundleOutcome:
    """Open a bundle as the command does, with the vault read anew."""
    return open_bundle(
        io.BytesIO(bundle), vault=Vault.open(vault.directory), identities=identities, today=DAY
    )


def states(outcome: BundleOutcome) -> list[str]:
    """What became of each tip."""
    return [tip.state for tip in outcome.tips]


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def make_tar(*members: tuple[str, bytes, dict[str, Any]]) -> bytes:
    """A tar by Python's writer: the required two, then members with any attribute."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, body, attributes in (
            ("tip.json", b'{"version":1,"text":"x"}', {}),
            ("text.txt", b"x", {}),
            *members,
        ):
            info = tarfile.TarInfo(name)
            info.size = len(body)
            info.mode = 0o600
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(body))
    return written.getvalue().rstrip(b"\0").ljust(SMALL, b"\0")


def test_tips_when_opened_then_their_files_are_there_and_nothing_else(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """A text and a photo arrive byte for byte; no temporary file stays."""
    vault = line.make_vault(tmp_path)
    photo = os.urandom(300_000)
    bundle = line.bundle(line.seal("first"), line.seal("second", files=[("jpg", photo)]))
    told: list[str] = []

    outcome = open_bundle(
        io.BytesIO(bundle),
        vault=vault,
        identities=[ana],
        today=DAY,
        on_tip=lambda tip: told.append(tip.state),
    )

    assert states(outcome) == told == ["opened", "opened"]
    first, second = (vault.directory / "tips" / tip.id for tip in outcome.tips)
    assert tree(first) == {
        "tip.json": b'{"version":1,"text":"first","channel":"works"}',
        "text.txt": b"first",
    }
    assert (second / "files" / "01.jpg").read_bytes() == photo
    assert list((vault.directory / "opening").iterdir()) == []


def test_files_when_opened_then_only_their_owner_reads_them(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """Every directory is 0700, every file 0600, and a member's time is the one tar would set."""
    vault = line.make_vault(tmp_path)
    open_into(vault, line.bundle(line.seal(files=[("jpg", b"x")])), ana)

    for path in (vault.directory, *vault.directory.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert {p.stat().st_mtime for p in (vault.directory / "tips").rglob("*.*")} == {0}


def test_tip_when_opened_before_then_it_is_left_as_it_is(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """The same bundle again overwrites nothing, and the investigator's changes stay."""
    vault = line.make_vault(tmp_path)
    bundle = line.bundle(line.seal())
    first = open_into(vault, bundle, ana)
    text = vault.directory / "tips" / first.tips[0].id / "text.txt"
    text.write_bytes(b"changed")

    assert states(open_into(vault, bundle, ana)) == ["already"]
    assert text.read_bytes() == b"changed"


def test_reader_when_left_out_then_the_tip_is_not_theirs(
    line: Any, ana: HybridIdentity, bea: HybridIdentity, tmp_path: Path
) -> None:
    """A left-out reader opens the others' tips, and of this one learns only that it exists."""
    vault = line.make_vault(tmp_path)
    bundle = line.bundle(line.seal(), line.seal(leave_out=["bea"]))

    assert states(open_into(vault, bundle, bea)) == ["opened", "not_for_you"]
    assert len(list((vault.directory / "tips").iterdir())) == 1
    assert states(open_into(vault, bundle, ana)) == ["already", "opened"]


def test_identities_when_several_then_each_is_tried(
    line: Any, ana: HybridIdentity, stranger: HybridIdentity, tmp_path: Path
) -> None:
    """A rotated key beside the new one does no harm."""
    vault = line.make_vault(tmp_path)

    assert states(open_into(vault, line.bundle(line.seal()), stranger, ana)) == ["opened"]


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("forged", lambda e: e[:-1] + bytes([e[-1] ^ 1])),
        ("forged", lambda e: e[:40_000] + bytes([e[40_000] ^ 1]) + e[40_001:]),
        ("malformed", lambda e: b"the bridge is hollow".ljust(TEXT_RUNG)),
        ("malformed", lambda e: e.replace(b"/v1", b"/v2", 1)),
        ("recipient", lambda e: e.replace(b"mlkem768x25519", b"X25519aaaaaaaa", 1)),
        ("forged", lambda e: e[:12_490] + b"AAAA" + e[12_494:]),
    ],
)
def test_tip_when_broken_then_it_is_named_and_the_others_open(
    line: Any, ana: HybridIdentity, tmp_path: Path, code: str, spoil: Callable[[bytes], bytes]
) -> None:
    """INV-04: a tip that was stored broken gets no place, and costs nobody the tips beside it."""
    vault = line.make_vault(tmp_path)
    outcome = open_into(
        vault, line.bundle(line.seal("a"), spoil(line.seal("b")), line.seal("c")), ana
    )

    assert states(outcome) == ["opened", "broken", "opened"]
    assert outcome.tips[1].code == code
    assert {p.name for p in (vault.directory / "tips").iterdir()} == set(outcome.ids("opened"))
    assert list((vault.directory / "opening").iterdir()) == []


@pytest.mark.parametrize("place", [100, 20_000, TEXT_RUNG - 1])
def test_tip_when_changed_on_the_way_then_it_is_named_as_that(
    line: Any, ana: HybridIdentity, tmp_path: Path, place: int
) -> None:
    """What is not what the service signed is called that, wherever the change is."""
    vault = line.make_vault(tmp_path)
    bundle = bytearray(line.bundle(line.seal("a"), line.seal("b")))
    bundle[len(START) + place] ^= 1
    outcome = open_into(vault, bytes(bundle), ana)

    assert states(outcome) == ["broken", "opened"]
    assert (outcome.tips[0].code, outcome.tips[0].detail) == ("forged", "bundle")


def test_tip_when_replaced_by_another_good_one_then_it_is_refused(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """An envelope that opens well, but is not the one of the index, gets no name."""
    vault = line.make_vault(tmp_path)
    bundle = line.bundle(line.seal("a"))
    bundle = START + line.seal("b") + bundle[len(START) + TEXT_RUNG :]
    outcome = open_into(vault, bundle, ana)

    assert states(outcome) == ["broken"]
    assert list((vault.directory / "tips").iterdir()) == []


ESCAPE = "/tmp/tipline-test-escape"
LINK = {"type": b"2", "linkname": "/etc/passwd"}
HOSTILE: list[tuple[str, str, bytes]] = [
    ("link", "files/01.a", make_tar(("files/01.a", b"", LINK))),
    ("link", "files/01.a", make_tar(("files/01.a", b"", LINK | {"type": b"1"}))),
    ("absolute", ESCAPE, make_tar((ESCAPE, b"x", {}))),
    ("dotdot", "../../escape", make_tar(("../../escape", b"x", {}))),
    ("device", "files/01.a", make_tar(("files/01.a", b"", {"type": b"3"}))),
    ("device", "files/01.a", make_tar(("files/01.a", b"", {"type": b"6"}))),
    ("duplicate", "text.txt", make_tar(("text.txt", b"x", {}))),
    ("name", "files/01.desktop", make_tar(("files/01.desktop", b"x", {}))),
    ("directory", "files/", make_tar(("files", b"", {"type": b"5", "mode": 0o777}))),
    ("header", "files/01.sh", make_tar(("files/01.sh", b"x", {"mode": 0o4755}))),
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_payload_when_hostile_then_the_member_is_refused_aloud_and_nothing_is_unpacked(
    line: Any, ana: HybridIdentity, tmp_path: Path, hostile: tuple[str, str, bytes]
) -> None:
    """INV-09: a hostile tar is kept whole in quarantine; its member is named with the reason."""
    reason, name, payload = hostile
    vault = line.make_vault(tmp_path)
    before = set(tmp_path.rglob("*"))
    outcome = open_into(vault, line.bundle(line.seal_payload(payload), line.seal()), ana)
    tip = outcome.tips[0]

    assert states(outcome) == ["foreign", "opened"]
    assert (name, reason) in tip.faults
    assert tree(vault.directory / "foreign") == {f"{tip.id}/payload.tar": payload}
    assert vault.place_of(tip.id) == vault.directory / "foreign" / tip.id
    new = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(vault.directory) for path in new)
    assert not any(path.is_symlink() for path in new)
    assert not Path(ESCAPE).exists()
    assert Vault.open(vault.directory).read_record(tip.id).faults == tip.faults
    assert states(open_into(vault, line.bundle(line.seal_payload(payload)), ana)) == ["already"]


@pytest.mark.parametrize(
    ("reason", "payload"),
    [
        ("pax", tarfile.TarInfo("x" * 120).tobuf(tarfile.PAX_FORMAT)),
        ("gnu", tarfile.TarInfo("x" * 120).tobuf(tarfile.GNU_FORMAT)),
        ("second archive", make_tar()[:3072] + make_tar()[: SMALL - 3072]),
        ("padding", make_tar()[:-1] + b"x"),
        ("missing", bytes(SMALL)),
        ("length", b""),
    ],
)
def test_payload_when_outside_the_profile_then_it_is_foreign(
    line: Any, ana: HybridIdentity, tmp_path: Path, reason: str, payload: bytes
) -> None:
    """pax, GNU extensions, a second archive, padding that is not zero: quarantined, and said."""
    vault = line.make_vault(tmp_path)
    payload = payload.ljust(SMALL, b"\0") if payload else payload_of_other_length()
    outcome = open_into(vault, line.bundle(line.seal_payload(payload)), ana)

    assert states(outcome) == ["foreign"]
    assert reason in {word for _, word in outcome.tips[0].faults}


def payload_of_other_length() -> bytes:
    """A payload that makes an envelope of the text's rung with a photo in it."""
    return make_tar(("files/01.a", b"x", {}))[: payload_len_of(TEXT_RUNG)]


def test_payload_when_only_tip_json_contradicts_it_then_that_is_said(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """A tar of the profile whose text is not the text is foreign as a whole."""
    vault = line.make_vault(tmp_path)
    payload = bytearray(line_payload(line, ana))
    payload[1536:1537] = b"j"
    outcome = open_into(vault, line.bundle(line.seal_payload(bytes(payload))), ana)

    assert states(outcome) == ["foreign"]
    assert outcome.tips[0].faults == (("", "text"),)


def line_payload(line: Any, ana: HybridIdentity) -> bytes:
    """The payload that the sealing made."""
    opened = io.BytesIO()
    age_file.open_(io.BytesIO(line.seal()), opened, identities=[ana])
    return opened.getvalue()


@pytest.mark.parametrize("length", [0, 10, len(START), 100_000, -1, -8, -16, -17])
def test_bundle_when_cut_then_it_is_refused_whole(
    line: Any, ana: HybridIdentity, tmp_path: Path, length: int
) -> None:
    """A bundle without its end opens nothing."""
    vault = line.make_vault(tmp_path)

    with pytest.raises(BundleError):
        open_into(vault, line.bundle(line.seal(), line.seal())[:length], ana)
    assert list((vault.directory / "tips").iterdir()) == []


def test_bundle_when_its_index_is_off_then_it_is_refused(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """An index that does not follow its format refuses the bundle."""
    with pytest.raises(BundleError) as caught:
        open_into(line.make_vault(tmp_path), line.bundle(line.seal(), sha256="AB" * 32), ana)
    assert caught.value.code == "bundle_format"


def test_bundle_when_its_index_would_begin_before_the_file_then_it_is_refused(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """A length that reaches back beyond the first line is no length."""
    bundle = START + (10_000).to_bytes(8, "big") + b"tlbundle"

    with pytest.raises(BundleError) as caught:
        open_into(line.make_vault(tmp_path), bundle, ana)
    assert caught.value.code == "bundle_cut"


def test_bundle_when_another_service_signed_it_then_it_is_refused(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """Only the service that the keyset names makes bundles."""
    bundle = line.bundle(line.seal(), service=Signer.generate("tipline-service"))

    with pytest.raises(ForgedError):
        open_into(line.make_vault(tmp_path), bundle, ana)


def test_keyset_when_older_than_one_seen_then_the_bundle_is_refused(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """After a newer keyset was seen, an older one opens nothing."""
    vault = line.make_vault(tmp_path)
    open_into(vault, line.bundle(note=line.sign_next()), ana)

    with pytest.raises(KeysetError) as caught:
        open_into(vault, line.bundle(line.seal()), ana)
    assert caught.value.code == "keyset_old"
    assert caught.value.facts == {"number": 1, "seen": 2}


def test_keyset_when_another_of_the_same_number_was_seen_then_the_bundle_is_refused(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """Two keysets of one number mean that the root signed behind the desk's back."""
    vault = line.make_vault(tmp_path)
    open_into(vault, line.bundle(note=line.sign_next()), ana)

    with pytest.raises(KeysetError) as caught:
        open_into(vault, line.bundle(note=line.sign_next()), ana)
    assert caught.value.code == "keyset_forked"


@pytest.mark.parametrize(("code", "days"), [("keyset_expired", 31), ("keyset_early", -1)])
def test_keyset_when_not_in_force_on_the_bundles_day_then_it_is_refused(
    line: Any, ana: HybridIdentity, tmp_path: Path, code: str, days: int
) -> None:
    """A service that goes on after its keyset expired is not followed."""
    bundle = line.bundle(line.seal(), made_on=DAY + datetime.timedelta(days=days))

    with pytest.raises(KeysetError) as caught:
        open_into(line.make_vault(tmp_path), bundle, ana)
    assert caught.value.code == code


def test_bundle_when_opened_long_after_then_its_tips_are_readable(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """A bundle that was good on its day stays readable when its keyset has expired since."""
    outcome = open_bundle(
        io.BytesIO(line.bundle(line.seal())),
        vault=line.make_vault(tmp_path),
        identities=[ana],
        today=DAY + datetime.timedelta(days=400),
    )

    assert states(outcome) == ["opened"]


def test_root_when_another_is_pinned_then_the_bundle_is_refused(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """A desk's vault follows its own root alone."""
    vault = Vault.init(tmp_path / "vault", root=Signer.generate("tipline-root").verifier())

    with pytest.raises(KeysetError) as caught:
        open_into(vault, line.bundle(line.seal()), ana)
    assert caught.value.code == "keyset_unsigned"


def test_vault_when_an_opening_was_interrupted_then_its_plaintext_goes(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """What a crash left half opened is removed when the next opening begins."""
    vault = line.make_vault(tmp_path)
    (vault.directory / "opening" / "payload.tar").write_bytes(b"plaintext")
    (vault.directory / "opening" / "half").mkdir()
    (vault.directory / "opening" / "half" / "text.txt").write_bytes(b"plaintext")
    (vault.directory / "opening" / "link").symlink_to(tmp_path)

    assert states(open_into(vault, line.bundle(line.seal()), ana)) == ["opened"]
    assert list((vault.directory / "opening").iterdir()) == []
    assert tmp_path.is_dir()


def test_vault_when_the_disk_refuses_then_no_plaintext_stays(
    line: Any, ana: HybridIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An opening that ends with an error leaves nothing half opened."""
    vault = line.make_vault(tmp_path)
    seen: list[set[str]] = []

    def refuse(*_arguments: object) -> int:
        seen.append({path.name for path in (vault.directory / "opening").rglob("*")})
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "sendfile", refuse)
    with pytest.raises(OSError, match="Input"):
        open_into(vault, line.bundle(line.seal()), ana)
    assert seen == [{"payload.tar", "0" * 32, "tip.json"}]
    assert list((vault.directory / "opening").iterdir()) == []


def test_vault_when_in_use_then_a_second_opening_is_refused(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """Two openings at once cannot disturb each other."""
    vault = line.make_vault(tmp_path)

    with vault.lock(), pytest.raises(VaultError) as caught:
        open_into(vault, line.bundle(line.seal()), ana)
    assert caught.value.code == "vault_in_use"


def test_record_when_a_tip_is_opened_then_it_lies_beside_the_files(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """What the service said is kept apart from what the source wrote."""
    vault = line.make_vault(tmp_path)
    outcome = open_into(vault, line.bundle(line.seal(sealing="browser")), ana)
    record = json.loads((vault.directory / "records" / f"{outcome.tips[0].id}.json").read_bytes())

    assert record == {
        "version": 1,
        "id": "0" * 32,
        "state": "opened",
        "arrived_on": "2026-11-21",
        "dies_on": "2027-02-19",
        "channel": "works",
        "size_bytes": TEXT_RUNG,
        "sealed_by_service": False,
        "keyset": 1,
        "opened_on": "2026-11-21",
        "claimed_sealing": "browser",
        "faults": [],
        "pseudonym": None,
    }
    del record["pseudonym"]  # as before there were phones
    path = vault.directory / "records" / f"{outcome.tips[0].id}.json"
    path.write_text(json.dumps(record))
    assert vault.read_record(outcome.tips[0].id).pseudonym is None


def test_tip_when_the_disk_has_no_room_for_it_then_it_is_named_and_the_others_open(
    line: Any, ana: HybridIdentity, tmp_path: Path
) -> None:
    """One tip that does not fit stops no other, leaves nothing, and opens when there is room."""
    vault = line.make_vault(tmp_path)
    bundle = line.bundle(
        line.seal("large", files=[("jpg", os.urandom(300_000))]), line.seal("small")
    )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, limits[1]))
    try:
        outcome = open_into(vault, bundle, ana)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert states(outcome) == ["broken", "opened"]
    assert outcome.tips[0].code == "no_room"
    assert list((vault.directory / "opening").iterdir()) == []
    assert states(open_into(vault, bundle, ana)) == ["opened", "already"]
