"""Bearer tokens: the stack's own in development, the identity provider's in production, and every kind of forgery."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from api.app import create_app
from api.auth import Authenticator, OidcVerifier
from api.jwks import SigningKeys, UnknownKey
from api.routes import sources, webhooks
from api.tokens import mint_dev_token
from models.errors import Refusal
from settings import DEV_TOKEN_ISSUER, SettingsError
from tests.api.shell_probe import SECRET, app, client, code, settings, token

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


class Issuer:
    """An identity provider on a real socket: discovery and keys, both counted, both breakable."""

    def __init__(self) -> None:
        self.fetches, self.broken, self.keys = 0, False, {"r1": RSA, "e1": EC}
        self.extra: list[dict[str, Any]] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetches += self.path == "/keys"
                body = json.dumps(issuer.document(self.path)).encode()
                self.send_response(500 if issuer.broken else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def document(self, path: str) -> dict[str, Any]:
        if path == "/keys":
            return {"keys": [*map(jwk, self.keys, self.keys.values()), *self.extra]}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    def token(self, key: Any = RSA, alg: str = "RS256", kid: str | None = "r1", drop: str = "", **claims: Any) -> str:
        now = int(time.time())
        given: dict[str, Any] = {
            "iss": self.url,
            "aud": "arflow-api",
            "sub": "u_1",
            "org_id": "org_a",
            "roles": ["ar_clerk"],
        }
        given |= {"iat": now, "exp": now + 600, **claims}
        given.pop(drop, None)
        return jwt.encode(given, key, algorithm=alg, headers={"kid": kid} if kid else None)


def jwk(kid: str, key: Any) -> dict[str, Any]:
    algorithm = (
        jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
    )
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    monkeypatch.setattr("api.jwks.TIMEOUT_SECONDS", 60.0)  # this one is as slow as the machine
    running = Issuer()
    yield running
    running.server.shutdown()
    running.server.server_close()


def production(issuer: Issuer, **given: Any) -> Any:
    return app(dev_token_secret=None, env="production", oidc_issuer=issuer.url, oidc_audience="arflow-api", **given)


@pytest.fixture
async def prod(issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(production(issuer)) as c:
        yield c


async def ask(c: httpx2.AsyncClient, bearer: str) -> httpx2.Response:
    return await c.get("/v1/me", headers={"Authorization": f"Bearer {bearer}"})


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def unsigned(claims: dict[str, Any], alg: str = "none") -> str:
    return f"{encoded({'alg': alg, 'typ': 'JWT'})}.{encoded(claims)}."


def dev_claims(**claims: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {"iss": DEV_TOKEN_ISSUER, "aud": "arflow", "sub": "u", "org_id": "org_a", "roles": ["ar_clerk"]}
    return given | {"iat": now, "exp": now + 600} | claims


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in dev_claims().items() if key != name}


async def test_a_development_token_says_who_asks():
    async with client(app(), token("ar_clerk", "ops", entities=("le_us",))) as c:
        r = await c.get("/v1/me")
    assert r.json() == {"sub": "u_clerk", "org_id": "org_a", "roles": ["ar_clerk", "ops"], "entities": ["le_us"]}


@pytest.mark.parametrize("entities", [None, []])
async def test_no_entities_given_means_all(entities):
    async with client(app()) as c:
        assert (await ask(c, jwt.encode(dev_claims(entities=entities), SECRET))).json()["entities"] is None


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic dTpw", "Bearer x", "Bearer a.b.c", "Bearer " + "x" * 20_000, "Bearer é.é.é"],
)
async def test_without_a_token_nothing_opens(header):
    async with client(app()) as c:
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        r = await c.get("/v1/me", headers=headers)
    assert code(r) == (401, "UNAUTHENTICATED")
    assert r.headers["WWW-Authenticate"].startswith('Bearer realm="arflow"')


@pytest.mark.parametrize(
    "forged",
    [
        jwt.encode(dev_claims(), "another secret of sufficient length"),
        jwt.encode(dev_claims(exp=int(time.time()) - 1), SECRET),
        jwt.encode(dev_claims(nbf=int(time.time()) + 86_400), SECRET),
        jwt.encode(dev_claims(aud="other"), SECRET),
        jwt.encode(dev_claims(iss="other"), SECRET),
        jwt.encode(dev_claims(), SECRET, algorithm="HS512"),
        *(jwt.encode(without(name), SECRET) for name in ("exp", "iat", "iss", "aud", "sub", "org_id")),
        jwt.encode(dev_claims(org_id=5), SECRET),
        jwt.encode(dev_claims(org_id=""), SECRET),
        jwt.encode(dev_claims(org_id="a\0b"), SECRET),
        jwt.encode(dev_claims(org_id="o" * 65), SECRET),
        jwt.encode(dev_claims(roles="ar_clerk"), SECRET),
        jwt.encode(dev_claims(roles=[1]), SECRET),
        jwt.encode(dev_claims(entities="le_us"), SECRET),
        unsigned(dev_claims()),
        unsigned(dev_claims(), "None"),
        unsigned(dev_claims(), "HS256"),
        jwt.encode(dev_claims(), RSA, algorithm="RS256"),
        f"{encoded([])}.{encoded(dev_claims())}.x",
        f"{encoded({'alg': ['HS256']})}.{encoded(dev_claims())}.x",
    ],
)
async def test_a_forged_development_token_is_refused(forged):
    async with client(app()) as c:
        r = await ask(c, forged)
    assert code(r) == (401, "UNAUTHENTICATED")
    assert 'error="invalid_token"' in r.headers["WWW-Authenticate"]


async def test_a_remembered_token_still_expires():
    bearer = mint_dev_token(settings(), "org_a", "u", ["ar_clerk"], lifetime_seconds=60)
    async with client(app()) as c:
        assert (await ask(c, bearer)).status_code == 200
        with time_machine.travel(time.time() + 61):
            assert code(await ask(c, bearer)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(("key", "alg", "kid"), [(RSA, "RS256", "r1"), (EC, "ES256", "e1")])
async def test_the_issuers_tokens_open_production(prod, issuer, key, alg, kid):
    r = await ask(prod, issuer.token(key, alg, kid, entities=["le_uk"]))
    assert r.json() == {"sub": "u_1", "org_id": "org_a", "roles": ["ar_clerk"], "entities": ["le_uk"]}


async def test_production_takes_no_development_token(issuer, tmp_path):
    (tmp_path / "dev-token-secret").write_text(SECRET)  # left there by a start in development
    async with client(app(home=tmp_path, dev_token_secret=None)) as development:
        assert (await ask(development, token("ar_clerk"))).status_code == 200
    async with client(production(issuer, home=tmp_path)) as c:
        assert code(await ask(c, token("ar_clerk"))) == (401, "UNAUTHENTICATED")
        as_issuer = dev_claims(iss=issuer.url, aud="arflow-api")
        assert code(await ask(c, jwt.encode(as_issuer, SECRET))) == (401, "UNAUTHENTICATED")
    with pytest.raises(SettingsError):
        mint_dev_token(settings(dev_token_secret=None, env="production"), "org_a", "u", [])


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"aud": ["other"]},
        {"iss": "http://127.0.0.1:1"},
        {"exp": int(time.time()) - 60},
        {"nbf": int(time.time()) + 86_400},
        {"iat": int(time.time()) + 86_400},
        {"drop": "org_id"},
        {"drop": "sub"},
        {"drop": "exp"},
        {"drop": "aud"},
        {"key": OTHER_RSA},
        {"kid": "unknown"},
        {"kid": None},
        {"key": EC, "alg": "ES256", "kid": "r1"},
        {"alg": "RS512"},
        {"alg": "PS256"},
        {"exp": 10**400},
        {"sub": "process:ConfirmRemittance"},
        {"agent": "bot", "budgets": {"write_per_hour": 0}},
        {"agent": "bot", "budgets": [{"writes_per_hour": 0}]},
        {"agent": "bot", "budgets": "writes_per_hour=0"},
    ],
)
async def test_a_wrong_token_of_the_issuer_is_refused(prod, issuer, claims):
    assert code(await ask(prod, issuer.token(**claims))) == (401, "UNAUTHENTICATED")


async def test_the_public_key_is_no_shared_secret(prod, issuer):
    """The classic confusion: HS256 keyed with the published RSA key, in every spelling an attacker has."""
    import hashlib
    import hmac

    public = RSA.public_key()
    spellings = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk("r1", RSA)).encode(),
    ]
    claims = dev_claims(iss=issuer.url, aud="arflow-api")
    for secret in spellings:
        signed = f"{encoded({'alg': 'HS256', 'kid': 'r1'})}.{encoded(claims)}"
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        forged = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
        assert code(await ask(prod, forged)) == (401, "UNAUTHENTICATED")
    assert code(await ask(prod, unsigned(claims))) == (401, "UNAUTHENTICATED")


async def test_a_symmetric_key_in_the_published_set_is_ignored(prod, issuer):
    issuer.extra = [{"kty": "oct", "kid": "o1", "alg": "HS256", "k": encoded("x" * 40)}]
    forged = jwt.encode(dev_claims(iss=issuer.url, aud="arflow-api"), json.dumps("x" * 40), headers={"kid": "o1"})
    assert code(await ask(prod, forged)) == (401, "UNAUTHENTICATED")
    assert (await ask(prod, issuer.token())).status_code == 200
    with pytest.raises(UnknownKey):
        await SigningKeys(issuer.url).find("o1")


async def test_keys_are_fetched_once_and_again_when_they_rotate(issuer):
    application = production(issuer)
    now = [0.0]
    keys = SigningKeys(issuer.url, clock=lambda: now[0])
    application.state.authenticator = Authenticator(application.state.settings, keys=keys)
    async with client(application) as c:
        asked = await asyncio.gather(*(ask(c, issuer.token(sub=f"u_{n}")) for n in range(20)))
        assert ({r.status_code for r in asked}, issuer.fetches) == ({200}, 1)
        issuer.keys["r2"] = OTHER_RSA
        rotated = issuer.token(OTHER_RSA, kid="r2")
        now[0] += 11
        assert (await ask(c, rotated)).status_code == 200
        unknown = await asyncio.gather(*(ask(c, issuer.token(kid=f"k{n}")) for n in range(50)))
        assert ({r.status_code for r in unknown}, issuer.fetches) == ({401}, 2)


async def test_a_process_that_could_never_fetch_keys_says_so_and_fetches_them_without_a_token(issuer):
    now = [0.0]
    keys = SigningKeys(issuer.url, clock=lambda: now[0])
    verifying = Authenticator(production(issuer).state.settings, keys=keys)
    issuer.broken = True
    assert "could not be fetched" in str(await verifying.problem())
    issuer.broken = False
    assert await verifying.problem() is not None, "asked again too soon"
    now[0] += 11
    assert await verifying.problem() is None
    issuer.broken = True
    now[0] += 7200
    assert (await told(verifying), verifying.usable) == (
        "it does not answer; tokens are verified with its keys of before",
        True,
    )
    issuer.broken = False
    assert await told(verifying) is not None, "asked again too soon"
    now[0] += 16
    assert await told(verifying) is None
    now[0] += 24 * 3600 + 1
    assert (verifying.usable, await told(verifying), verifying.usable) == (False, None, True)


async def told(verifying: Authenticator) -> str | None:
    """What it says once the look that this asks for has been taken."""
    await verifying.problem()
    await asyncio.gather(*(t for t in asyncio.all_tasks() if t is not asyncio.current_task() and "_looking" in str(t)))
    return await verifying.problem()


async def test_an_unknown_key_of_an_issuer_that_does_not_answer_is_no_wrong_token(issuer):
    """It may be the one that the issuer signs with since a moment: whoever has it comes again, and does not throw it away."""
    application = production(issuer)
    now = [0.0]
    keys = SigningKeys(issuer.url, clock=lambda: now[0])
    application.state.authenticator = Authenticator(application.state.settings, keys=keys)
    async with client(application) as c:
        assert (await ask(c, issuer.token())).status_code == 200
        issuer.keys["r2"] = OTHER_RSA
        rotated = issuer.token(OTHER_RSA, kid="r2")
        issuer.broken = True
        now[0] += 11
        r = await ask(c, rotated)
        assert (code(r), r.headers["Retry-After"]) == ((503, "UNAVAILABLE"), "10")
        assert (await ask(c, issuer.token(sub="u_2"))).status_code == 200
        issuer.broken = False
        now[0] += 11
        assert (await ask(c, rotated)).status_code == 200
        fetched = issuer.fetches
        now[0] += 3601
        issuer.broken = True
        for n in range(3):
            assert (await ask(c, issuer.token(sub=f"u_3{n}"))).status_code == 200
        assert issuer.fetches == fetched + 1, "nobody waits for one who did not answer a moment ago"


async def test_an_issuer_that_is_down_is_unavailable_until_its_keys_are_known(issuer):
    application = production(issuer)
    now = [0.0]
    keys = SigningKeys(issuer.url, clock=lambda: now[0])
    application.state.authenticator = Authenticator(application.state.settings, keys=keys)
    async with client(application) as c:
        issuer.broken = True
        r = await ask(c, issuer.token())
        assert (code(r), int(r.headers["Retry-After"]) >= 1) == ((503, "UNAVAILABLE"), True)
        issuer.broken = False
        now[0] += 11
        assert (await ask(c, issuer.token())).status_code == 200
        issuer.broken = True
        now[0] += 3601
        assert (await ask(c, issuer.token(sub="u_2"))).status_code == 200


async def test_development_with_an_issuer_takes_both_kinds(issuer):
    async with client(app(oidc_issuer=issuer.url, oidc_audience="arflow-api")) as c:
        assert (await ask(c, issuer.token())).status_code == 200
        assert (await ask(c, token("ar_clerk"))).status_code == 200


def test_production_needs_an_issuer_and_https():
    with pytest.raises(SettingsError, match="ARFLOW_OIDC_ISSUER"):
        app(dev_token_secret=None, env="production")
    with pytest.raises(SettingsError, match="https"):
        OidcVerifier(settings(oidc_issuer="http://id.example.com", oidc_audience="a"))


async def test_keys_that_would_come_in_the_clear_are_not_fetched(issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    """What the discovery document names is held to what is asked of the issuer itself."""
    for published in (
        "http://keys.example.com/keys",
        "http://169.254.169.254/keys",
        "ftp://127.0.0.1/keys",
        "file:///etc/passwd",
    ):
        monkeypatch.setattr(issuer, "document", lambda _, at=published: {"issuer": issuer.url, "jwks_uri": at})
        with pytest.raises(Refusal, match="identity provider"):
            await SigningKeys(issuer.url).find("r1")
    assert issuer.fetches == 0


@pytest.mark.parametrize("jwks_uri", ["http://127.0.0.1:9/keys", "http://idp.example.com/keys"])
async def test_an_issuer_reached_by_https_publishes_its_keys_by_https(jwks_uri: str, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    async def get(_client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
        asked.append(url)
        return {"issuer": "https://idp.example.com", "jwks_uri": jwks_uri, "keys": []}

    monkeypatch.setattr(SigningKeys, "_get", staticmethod(get))
    with pytest.raises(Refusal):
        await SigningKeys("https://idp.example.com").find("r1")
    assert asked == ["https://idp.example.com/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    "url", ["http://erp.example.com", "https://127.0.0.2/x", "https://localhost./", "https://[::ffff:127.0.0.1]/",
            "https://2130706433/", "https://169.254.169.254/", "https://10.0.0.5/", "https://metadata.google.internal/"]
)  # fmt: skip
async def test_in_production_no_endpoint_and_no_connection_is_made_inside(issuer: Issuer, url: str):
    headers = {"Authorization": f"Bearer {issuer.token(roles=['ops'])}"}
    given = {"dev_token_secret": None, "env": "production", "oidc_issuer": issuer.url, "oidc_audience": "arflow-api"}
    async with client(create_app(settings(**given), [webhooks.router, sources.router])) as prod:
        hook = await prod.post("/v1/webhook-endpoints", json={"url": url}, headers=headers)
        body = {"kind": "salesforce", "base_url": url, "panels": []}
        source = await prod.put("/v1/source-connections/x", json=body, headers=headers)
    for answer, at in ((hook, "/url"), (source, "/base_url")):
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, at), answer.text
