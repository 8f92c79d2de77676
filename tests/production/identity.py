"""The identity provider of the production shape: a process of its own, in which people sign in for their tokens."""

import base64
import hashlib
import json
import secrets
import shutil
import ssl
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from stack.checkers import find_oidc_provider
from stack.process import free_port, last_lines
from tests.production.certificates import Authority
from tests.production.processes import Kept

AUDIENCE: Final = "arflow"
BACK_TO: Final = "https://desk.example.com/signed-in"


class IdentityProvider:
    """Reached at `issuer`, by whoever trusts the authority. `people` it reads whenever it is asked."""

    def __init__(self, library: Path, folder: Path, authority: Authority) -> None:
        folder.mkdir()
        self._folder = folder
        self.issuer = f"https://localhost:{free_port()}"
        self._trusted = ssl.create_default_context(cafile=authority.authority)
        self._people: dict[str, Any] = {}
        self._keys: list[dict[str, Any]] = []
        self.new_key()
        told = {"LIBRARY": library, "ISSUER": self.issuer, "CERTIFICATE": authority.certificate, "KEY": authority.key}
        environment = {name: str(value) for name, value in (told | {"FOLDER": folder}).items()}
        script = Path(__file__).with_name("identity_provider.mjs")
        log = folder / "identity-provider.log"
        self.kept = Kept("identity provider", [shutil.which("node") or "node", script], log, environment)

    def new_key(self) -> None:
        """From its next start it signs with a key that nobody knows yet; what the ones before have signed is still good."""
        made = RSAAlgorithm.to_jwk(rsa.generate_private_key(public_exponent=65537, key_size=2048), as_dict=True)
        self._keys.insert(0, made | {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})
        (self._folder / "keys.json").write_text(json.dumps({"keys": self._keys}))

    @property
    def kid(self) -> str:
        """Of the key that signs."""
        return str(self._keys[0]["kid"])

    def wait(self, seconds: float = 60) -> None:
        """Until it answers."""
        deadline = time.monotonic() + seconds
        with self._client() as asking:
            while True:
                try:
                    asking.get("/.well-known/openid-configuration").raise_for_status()
                    return
                except httpx2.HTTPError:
                    assert time.monotonic() < deadline, last_lines(self.kept.log, 20)
                    time.sleep(0.1)

    def token(self, org: str, user: str, roles: Iterable[str], entities: Iterable[str] = ()) -> str:
        """What this person gets who signs in: authorization code with PKCE, as the desk does it."""
        self._people[user] = {"org_id": org, "roles": list(roles)} | ({"entities": list(entities)} if entities else {})
        draft = self._folder / "draft.json"
        draft.write_text(json.dumps(self._people))
        draft.replace(self._folder / "people.json")
        verifier = secrets.token_urlsafe(48)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": "desk", "response_type": "code", "redirect_uri": BACK_TO, "scope": "openid ar",
            "code_challenge": digest, "code_challenge_method": "S256", "state": secrets.token_hex(8),
        }  # fmt: skip
        with self._client() as browser:
            login = _next(browser.get("/auth", params=asked))
            said = browser.post(login, data={"prompt": "login", "login": user, "password": "not looked at"})
            back = urlsplit(_next(browser.get(_next(said))))
            assert f"{back.scheme}://{back.netloc}{back.path}" == BACK_TO, back
            code = parse_qs(back.query)["code"][0]
            given = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK_TO, "client_id": "desk"}
            answered = browser.post("/token", data=given | {"code_verifier": verifier})
        assert answered.status_code == 200, answered.text
        return str(answered.json()["access_token"])

    def _client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.issuer, verify=self._trusted, trust_env=False, timeout=30)


def _next(answer: httpx2.Response) -> str:
    assert answer.is_redirect, f"{answer.status_code} {answer.text[:500]}"
    return answer.headers["Location"]


def identity_provider(home: Path, authority: Authority) -> IdentityProvider | None:
    """One that is not started yet; None where it is not to be had."""
    library = find_oidc_provider()
    return None if library is None else IdentityProvider(library, home / "identity", authority)
