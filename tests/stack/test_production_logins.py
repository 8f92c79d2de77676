"""The logins of the production shape suffice: the owner that migrates is no superuser, and API and worker own nothing."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest

from stack.postgres import EmbeddedPostgres, binaries
from stack.process import end
from tests.stack_fixtures.private import PrivateStack

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A new cluster, initialised by the script that the container runs."""
    server = EmbeddedPostgres(data=tmp_path / "postgres", log=tmp_path / "postgres.log", fsync=False)
    process = await server.start()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE arflow")
    environment = {
        "PATH": f"{binaries()}:{os.environ['PATH']}",
        "PGHOST": str(server.socket_directory),
        "ARFLOW_OWNER_PASSWORD": "owner",
        "ARFLOW_APP_PASSWORD": "app",
        "TEMPORAL_PASSWORD": "temporal",
    }
    subprocess.run([ROOT / "deploy" / "postgres" / "10-databases.sh"], env=environment, check=True)
    yield server
    await end(process, signal.SIGQUIT, 10)
    server.discard()


def login(server: EmbeddedPostgres, name: str) -> str:
    return server.url().replace("postgres@", f"{name}@")


def test_the_owner_migrates_and_the_application_login_serves(
    cluster: EmbeddedPostgres,
    private_stack: Callable[..., PrivateStack],
    temporal_address: str,
    temporal_namespace: str,
) -> None:
    stack = private_stack(
        ARFLOW_DATABASE_URL=login(cluster, "arflow_owner"),
        ARFLOW_APP_DATABASE_URL=login(cluster, "arflow_app_login"),
        ARFLOW_TEMPORAL_ADDRESS=temporal_address,
        ARFLOW_TEMPORAL_NAMESPACE=temporal_namespace,
    ).start()
    org, other = "org_own", "org_other"
    for each in (org, other):
        stack.arflow("org", "create", each, "--name", "Owner's")
    customer = stack.arflow("customer", "create", "--org", org, "--name", "Acme", "--email", "a@example.com")
    body = {
        "customer_id": customer.stdout.split()[-1],
        "payment_date": "2026-01-15",
        "amount_minor": 100,
        "currency_code": "USD",
        "external_id": "p1",
    }
    with stack.client(org, "u_clerk", "ar_clerk") as clerk, stack.client(other, "u_clerk", "ar_clerk") as stranger:
        recorded = clerk.post("/v1/customer-payments", json=body)
        assert recorded.status_code == 201, recorded.text
        payment = f"/v1/customer-payments/{recorded.json()['id']}"
        assert clerk.get(payment).status_code == 200
        refused = stranger.get(payment)
        assert (refused.status_code, refused.json()["code"]) == (403, "ORG_CONTEXT_MISMATCH")
    assert org in stack.arflow("verify").stdout
    assert stack.stop() == 0


def test_the_application_login_sees_nothing_without_an_organisation_and_owns_nothing(cluster: EmbeddedPostgres) -> None:
    from models.db.migrate import migrate

    migrate(login(cluster, "arflow_owner"))
    with psycopg.connect(login(cluster, "arflow_app_login")) as connection:
        owned = connection.execute("SELECT relname FROM pg_class WHERE relowner::regrole::text = 'arflow_app_login'")
        assert owned.fetchall() == []
        assert connection.execute("SELECT count(*) FROM organisations").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE organisations")
