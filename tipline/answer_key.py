"""
The line's key for answers: what the desk seals answers by phone to, so that no carrier reads them.

Rules:
1. It is made once, by the operator's word, and lies in `keys/` as age's own tools write it.
2. The keyset names its public half. Without that the line takes no answers.
3. It opens no tip: nothing but answers is ever sealed to it.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Final

from crypto.age.hybrid import HybridIdentity, HybridRecipient
from crypto.age.keys import MAX_KEY_FILE_BYTES, format_identity_file, parse_identity_file
from crypto.errors import CryptoError
from crypto.secret import Secret
from tipline.errors import InstanceError
from tipline.files import blur_times, check_private, create_file, sync_directory
from tipline.instance import KEYS_NAME

ANSWER_KEY_NAME: Final = "answers.key"


def make_answer_key(directory: Path, *, today: datetime.date) -> HybridRecipient:
    """
    Make a line's key for answers, if it has none yet.

    Args:
        directory: The instance.
        today: In UTC.

    Returns:
        Its public half, for the keyset.

    Raises:
        InstanceError: `instance_key`: there is one, and it is damaged.
        PermissionsError: others can read the key.
        OSError: it cannot be written.
    """
    identity = load_answer_key(directory)
    if identity is None:
        identity = HybridIdentity.generate()
        content = format_identity_file(identity, created_on=today)
        folder = directory / KEYS_NAME
        create_file(folder / ANSWER_KEY_NAME, content.reveal(), day=today)
        sync_directory(folder)
        blur_times(folder, day=today)
    return identity.recipient()


def load_answer_key(directory: Path) -> HybridIdentity | None:
    """
    Read a line's key for answers.

    Args:
        directory: The instance.

    Returns:
        The key; None if it was not made.

    Raises:
        InstanceError: `instance_key`: it is damaged.
        PermissionsError: others can read it.
    """
    path = directory / KEYS_NAME / ANSWER_KEY_NAME
    try:
        check_private(path)
        with path.open("rb") as file:
            identities = parse_identity_file(Secret(file.read(MAX_KEY_FILE_BYTES)))
    except FileNotFoundError:
        return None
    except CryptoError as exc:
        raise InstanceError("instance_key", path=str(path)) from exc
    if len(identities) != 1 or not isinstance(identities[0], HybridIdentity):
        raise InstanceError("instance_key", path=str(path))
    return identities[0]
