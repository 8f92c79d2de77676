"""Uploaded files, in pieces, until they are staged."""

from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Engine

from models.db.engine import transaction
from models.db.tx import Tx

PIECE: Final = 1024 * 1024
"""Bytes of a file per row of import_files."""
_INSERT: Final = "INSERT INTO import_files (org_id, import_id, seq, content) VALUES (:org, :id, :seq, :content)"


def keep_file(engine: Engine, org_id: str, import_id: str, pieces: Iterable[bytes]) -> None:
    """Store the upload in pieces; repeating it changes nothing."""
    for n, piece in enumerate(pieces):
        with transaction(engine, org_id) as tx:
            tx.run(f"{_INSERT} ON CONFLICT DO NOTHING", id=import_id, seq=n, content=piece)


def keep_piece(tx: Tx, import_id: str, seq: int, content: bytes) -> None:
    """Add a piece within this transaction: of a file that is fetched, not uploaded."""
    tx.run(_INSERT, id=import_id, seq=seq, content=content)


def file_pieces(engine: Engine, org_id: str, import_id: str) -> Iterator[bytes]:
    """The upload again, a piece at a time."""
    sql = "SELECT content FROM import_files WHERE org_id = :org AND import_id = :id AND seq = :seq"
    seq = 0
    while True:
        with transaction(engine, org_id, durable=False) as tx:
            content = tx.scalar(sql, id=import_id, seq=seq)
        if content is None:
            return
        yield bytes(content)
        seq += 1


def drop_file(tx: Tx, import_id: str) -> None:
    """Nobody needs the file any more."""
    tx.run("DELETE FROM import_files WHERE org_id = :org AND import_id = :id", id=import_id)
