"""The commands that open a tip without the desk, run as the page gives them."""

from __future__ import annotations

import datetime
import hashlib
import io
import re
import subprocess
import sys
from pathlib import Path

from crypto.age.hybrid import HybridIdentity
from crypto.bundle import START, IndexEntry, format_index, format_trailer
from crypto.envelope import seal_tip
from crypto.keyset import choose_recipients, sign_keyset, verify_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from crypto.secret import Secret
from crypto.tip import Tip

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "read-tips.md"
DAY = datetime.date(2026, 11, 21)
IDENTITY = HybridIdentity(Secret(bytes(range(32))))
TEXTS = ("first", "Señal\nsecond")


def make_bundle() -> bytes:
    """Two text tips, as the service sends them."""
    root, service = Signer.generate("tipline-root"), Signer.generate("tipline-service")
    reader = Reader(id="ana", name="Ana", unit="U", since_on=DAY, recipient=IDENTITY.recipient())
    entry = ChannelReader(reader="ana", from_on=DAY, until_on=None, optional=False)
    names = dict.fromkeys(("en", "es", "pt"), "Works")
    draft = KeysetDraft(
        valid_from=DAY,
        valid_until=DAY,
        service=service.verifier(),
        log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        readers=(reader,),
        channels=(Channel(id="works", names=names, categories=(), readers=(entry,)),),
    )
    note = sign_keyset(draft, signer=root, today=DAY)
    keyset = verify_keyset(note, root=root.verifier(), today=DAY)
    bundle, entries = START, []
    for number, text in enumerate(TEXTS):
        sealed = io.BytesIO()
        recipients = choose_recipients(keyset, channel="works", today=DAY)
        size_bytes = seal_tip(sealed, tip=Tip(text=text), recipients=recipients)
        entries.append(
            IndexEntry(
                id=f"{number:032x}",
                arrived_on=DAY,
                dies_on=DAY,
                channel="works",
                size_bytes=size_bytes,
                sealed_by_service=False,
                keyset=1,
                offset=len(bundle),
                sha256=hashlib.sha256(sealed.getvalue()).hexdigest(),
            )
        )
        bundle += sealed.getvalue()
    index = format_index(entries, made_on=DAY, keyset_note=note, signer=service)
    return bundle + index + format_trailer(len(index))


def test_page_when_its_commands_are_run_then_the_tip_is_there(tmp_path: Path) -> None:
    """grep, tail, head, age and tar alone get the second tip out of a bundle."""
    find, take = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "bundle").write_bytes(make_bundle())
    (tmp_path / "ana.age").write_bytes(IDENTITY.format().reveal() + b"\n")
    (tmp_path / "ana.age").chmod(0o600)
    # age 1.3 is not packaged everywhere yet; ours takes its flags.
    age = f'age() {{ PYTHONPATH={ROOT} {sys.executable} -m tipline age "$@"; }}\n'

    def run(script: str) -> str:
        done = subprocess.run(
            # No pipefail: head leaves as soon as it has its bytes, and tail may notice.
            ["bash", "-eu", "-c", age + script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    facts = re.findall(r'"(\w+)":"?(\w+)', run(find))
    second = dict(facts[4:])
    assert [name for name, _ in facts] == ["id", "size_bytes", "offset", "sha256"] * 2
    told = run(f"OFFSET={second['offset']}\nSIZE={second['size_bytes']}\n{take}")

    assert told.split()[0] == second["sha256"]
    assert (tmp_path / "t" / "text.txt").read_text() == TEXTS[1]
