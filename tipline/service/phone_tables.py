"""
Tables of what comes from phones.

Rules:
1. No number, no text and no provider's id stands here in clear: what must be found again is a mark
   under a key that dies with its day (`crypto/window.py`), what must be read again is sealed.
2. What relates a tip to its sender is the pseudonym of an epoch alone, and goes with the epoch's
   key. While the pseudonym is being computed, the tip's row in `handles` names the window instead.
3. No row holds a conversation's name in clear: a window's and an answer's have it sealed, each for
   itself alone (`relations.py`), a tip's has none; only the sealed envelope does.

docs/threat-model.md has every column.
"""

from __future__ import annotations

from sqlite_utils import Database


def create_phone_tables(database: Database) -> None:
    """
    Make the tables: a step of the schema.

    Args:
        database: In a transaction.
    """
    keyed = "data_id BLOB NOT NULL, slot INTEGER NOT NULL, wrapped BLOB NOT NULL"
    database.execute(
        f"""
        CREATE TABLE windows (
            id BLOB PRIMARY KEY NOT NULL,
            received_on TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            relation BLOB NOT NULL,
            epoch BLOB,
            pseudonym BLOB,
            noticed INTEGER NOT NULL,
            {keyed},
            sealed BLOB NOT NULL,
            status BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE handles (
            tip BLOB PRIMARY KEY NOT NULL,
            epoch BLOB NOT NULL,
            pseudonym BLOB,
            window BLOB
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE epochs (
            id BLOB PRIMARY KEY NOT NULL,
            begun_on TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            salt BLOB NOT NULL,
            key_lost INTEGER NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE ended_epochs (
            id BLOB PRIMARY KEY NOT NULL,
            begun_on TEXT NOT NULL,
            due_on TEXT NOT NULL,
            ended_on TEXT NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE blocks (
            epoch BLOB NOT NULL,
            pseudonym BLOB NOT NULL,
            PRIMARY KEY (epoch, pseudonym)
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE replays (
            id BLOB PRIMARY KEY NOT NULL,
            received_on TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            keyed_on TEXT NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        f"""
        CREATE TABLE parts (
            id BLOB PRIMARY KEY NOT NULL,
            received_on TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            {keyed},
            sealed BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        f"""
        CREATE TABLE outgoing (
            id BLOB PRIMARY KEY NOT NULL,
            relation BLOB NOT NULL,
            sent_on TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            {keyed},
            sealed BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE outgoing_numbers (
            reader TEXT PRIMARY KEY NOT NULL,
            number INTEGER NOT NULL,
            dies_on TEXT NOT NULL,
            note_hash BLOB NOT NULL,
            outcomes TEXT NOT NULL
        ) WITHOUT ROWID
        """
    )
    for table in ("windows", "epochs", "replays", "parts", "outgoing"):
        database.execute(f"CREATE INDEX {table}_dies_on ON {table} (dies_on)")
    for table in ("windows", "handles"):
        database.execute(f"CREATE INDEX {table}_epoch ON {table} (epoch)")
    # Few: those whose pseudonym is being computed.
    database.execute("CREATE INDEX handles_window ON handles (window) WHERE window IS NOT NULL")
