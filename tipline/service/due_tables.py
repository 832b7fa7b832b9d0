"""
The tables whose rows die, and what the plan must know of each.
"""

from __future__ import annotations

from typing import Final

from retention.policy import RecordClass, find_tip_class

DUE_TABLES: Final = (
    "tips",
    "uploads",
    "answers",
    "log_texts",
    "outgoing",
    "parts",
    "replays",
    "windows",
    "epochs",  # last: what the end of an epoch clears lies in the tables before
)
# Their rows name a slot of records.
KEYED_TABLES: Final = ("tips", "uploads", "log_texts", "windows", "parts", "outgoing")
# The column with the day of the first event of each one's class.
BEGAN: Final = {
    "tips": "arrived_on",
    "uploads": "begun_on",
    "answers": "arrived_on",
    "log_texts": "logged_on",
    "outgoing": "sent_on",
    "parts": "received_on",
    "replays": "received_on",
    "windows": "received_on",
    "epochs": "begun_on",
}
_CLASSES: Final = {  # of tips, the size decides
    "uploads": RecordClass.PARTIAL_UPLOAD,
    "answers": RecordClass.UPLOAD_ANSWER,
    "log_texts": RecordClass.LOG_TEXT,
    "outgoing": RecordClass.REPLY,
    "parts": RecordClass.GATEWAY_MESSAGE,
    "replays": RecordClass.GATEWAY_MESSAGE,
    "windows": RecordClass.RAW_NUMBER,
    "epochs": RecordClass.PSEUDONYM_EPOCH,
}


def find_class(table: str, size_bytes: int) -> RecordClass:
    """
    Tell of which class a row is.

    Args:
        table: Where it lies.
        size_bytes: Of a tip's envelope.

    Returns:
        Its class.
    """
    if table == "tips":
        return find_tip_class(size_bytes)
    return _CLASSES[table]
