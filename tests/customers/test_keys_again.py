"""The migration that keys records anew once keys see through what cannot be seen."""

from importlib import import_module

from sqlalchemy import text

from tests.imports.in_process import desk


def test_records_of_before_are_found_by_the_keys_of_now_and_two_that_are_one_keep_theirs(database_url: str) -> None:
    migration = import_module("models.db.migrations.versions.0141_keys_of_what_is_seen")
    with desk(database_url) as d:
        alone, twin, first, plain = d.customers(
            {"name": "A", "email": "a@xn--bcher-kva.de"}, {"name": "B", "email": "b@x.com"},
            {"name": "B\u034fb", "email": '"c"@x.com', "tax_id": "DE 1"}, {"name": "P", "email": "p@x.com"},
        )  # fmt: skip
        with d.owner.begin() as before:  # as they were keyed before
            old = text("UPDATE customers SET email = :e, email_key = :k, name_key = :n WHERE id = :id")
            before.execute(old, {"id": alone, "e": "a@xn--bcher-kva.de", "k": "a@xn--bcher-kva.de", "n": "a"})
            before.execute(old, {"id": twin, "e": '"p"@x.com', "k": '"p"@x.com', "n": "b"})
            before.execute(old, {"id": first, "e": '"c"@x.com', "k": '"c"@x.com', "n": "b b"})
        raw = d.owner.raw_connection()
        try:
            migration.key_again(raw.driver_connection)
            raw.commit()
        finally:
            raw.close()
        now = {r["id"]: (r["email_key"], r["name_key"]) for r in d.sql("SELECT * FROM customers WHERE org_id = :org")}
    assert now == {
        alone: ("a@bücher.de", "a"), twin: ('"p"@x.com', "b"), first: ("c@x.com", "bb"), plain: ("p@x.com", "p"),
    }  # fmt: skip
