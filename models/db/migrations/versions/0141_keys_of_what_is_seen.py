"""Keys again for records whose e-mail, tax id or name holds what keys have learned to see through: invisible characters,
quotes that change nothing, Punycode. Where two customers turn out to be one, both keep the key that they had: people decide.
"""

from typing import Any

from alembic import op

from models.keys import email_key, name_key, tax_id_key

revision = "0141_keys_of_what_is_seen"
down_revision = "0101_bank_texts"

_LOOKED_AT = r"""SELECT org_id, id, name, email, tax_id, name_key, email_key, tax_id_key FROM customers
 WHERE erased_at IS NULL AND (name ~ '[^\x01-\x7f]' OR email ~ '[^\x01-\x7f]|"|[xX][nN]--' OR tax_id ~ '[^\x01-\x7f]')"""
_TAKEN = {
    column: f"UPDATE customers c SET {column} = %s WHERE org_id = %s AND id = %s "
    f"AND NOT EXISTS (SELECT FROM customers o WHERE o.org_id = c.org_id AND o.{column} = %s)"
    for column in ("email_key", "tax_id_key")
}


def upgrade() -> None:
    key_again(op.get_bind().connection.driver_connection)


def key_again(raw: Any) -> None:
    """Write the keys of these records anew over a driver's connection."""
    found = raw.execute(_LOOKED_AT).fetchall()
    for org, customer, name, email, tax_id, *was in found:
        keys = (name_key(name), email_key(email), tax_id_key(tax_id) if tax_id else None)
        if keys[0] != was[0]:
            raw.execute("UPDATE customers SET name_key = %s WHERE org_id = %s AND id = %s", (keys[0], org, customer))
        for column, key, old in (("email_key", keys[1], was[1]), ("tax_id_key", keys[2], was[2])):
            if key != old:
                raw.execute(_TAKEN[column], (key, org, customer, key))
