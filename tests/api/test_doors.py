"""What operators see is not on everybody's port; who asked for what is written down where the operator wants it."""

import json
import re
import socket
from pathlib import Path

import httpx2
import pytest

from api import jwks
from api.app import create_app
from api.tokens import mint_dev_token
from models.errors import Refusal
from settings import Settings
from stack.process import StackError
from tests.books import SECRET

PUBLIC, INNER = 8080, 9100
OPERATORS = ("/metrics", "/openapi.json", "/docs")
STATIC = Path(__file__).parents[2] / "api/web/static"


async def asked(settings: Settings, path: str, port: int, **headers: str) -> httpx2.Response:
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://arflow.test:{port}") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize("path", OPERATORS)
async def test_what_is_for_operators_is_at_the_inner_port_alone(path: str) -> None:
    settings = Settings(dev_token_secret=SECRET, internal_port=INNER)
    assert (await asked(settings, path, INNER)).status_code == 200
    outside = await asked(settings, path, PUBLIC)
    assert (outside.status_code, outside.json()["code"]) == (404, "NOT_FOUND")
    assert (await asked(Settings(dev_token_secret=SECRET), path, PUBLIC)).status_code == 200, "unless it is named"


async def test_readiness_is_inside_life_on_both_and_business_outside() -> None:
    settings = Settings(dev_token_secret=SECRET, internal_port=INNER)
    assert [(await asked(settings, "/readyz", port)).status_code for port in (INNER, PUBLIC)] == [200, 404]
    assert [(await asked(settings, "/healthz", port)).status_code for port in (INNER, PUBLIC)] == [200, 200]
    assert [(await asked(settings, "/v1/invoices", port)).status_code for port in (INNER, PUBLIC)] == [404, 401]


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    from cli.serving import _listening

    with socket.create_server(("127.0.0.1", 0)) as held, pytest.raises(StackError, match="cannot listen"):
        _listening("127.0.0.1", held.getsockname()[1])


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_access_log_says_who_asked_for_what(wanted: bool, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(dev_token_secret=SECRET, access_log=wanted)
    token = mint_dev_token(settings, "org_x", "u_ann", ["ar_clerk"], [])
    await asked(settings, "/v1/nothing/cust_1?name=Smith", PUBLIC, Authorization=f"Bearer {token}")
    await asked(settings, "/v1/authority-limits?x=1", PUBLIC, Authorization=f"Bearer {token}")
    said = capsys.readouterr()
    lines = [line for line in (said.out + said.err).splitlines() if "u_ann" in line]
    assert len(lines) == int(wanted), "of those whose token was looked at"
    assert all("/v1/authority-limits" in line and "Smith" not in line for line in lines)


async def test_old_keys_serve_a_day_without_the_issuer_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now, away = [0.0], [False]

    async def fetched(self: jwks.SigningKeys, client: object, url: str) -> dict[str, object]:
        if away[0]:
            raise httpx2.ConnectError("away")
        return {"keys": [json.loads(KEY)]}

    async def url(self: jwks.SigningKeys, client: object) -> str:
        return "https://idp.example/keys"

    monkeypatch.setattr(jwks.SigningKeys, "_get", fetched)
    monkeypatch.setattr(jwks.SigningKeys, "_url", url)
    keys = jwks.SigningKeys("https://idp.example", clock=lambda: now[0])
    assert (await keys.find("k")).key_id == "k"
    away[0] = True
    now[0] += jwks.LAST_SECONDS - 1
    assert (await keys.find("k")).key_id == "k"
    now[0] += 20
    with pytest.raises(Refusal, match="UNAVAILABLE"):
        await keys.find("k")
    away[0] = False
    now[0] += 20
    assert (await keys.find("k")).key_id == "k"


KEY = """{"kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"""


@pytest.mark.parametrize("page", ["confirm.js", "customer_360.js"])
async def test_in_production_no_link_signs_anybody_in(page: str) -> None:
    script = (STATIC / page).read_text()
    taken = re.search(r'if \(location\.hash\.startsWith\("#token="\)\) \{\n(.*?)\n', script)
    assert taken
    assert taken[1].strip().startswith('if (document.body.dataset.production !== "yes") sessionStorage.setItem')
    settings = Settings(dev_token_secret=SECRET)
    shown = await asked(settings, "/confirm/prop_1" if page == "confirm.js" else "/customers/cust_1/360", PUBLIC)
    assert 'data-production="no"' in shown.text
