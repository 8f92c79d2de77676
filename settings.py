"""The one place that reads the environment (`ARFLOW_*`).

Everything has a default that suits a first start on one's own machine. In production (`ARFLOW_ENV=production`)
nothing embedded starts and no development token is accepted, so the addresses of PostgreSQL, Temporal and the
identity provider have to be named; `Settings.require` says which one is missing.
"""

import os
import re
import secrets
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.db.nearby import database_hosts, is_nearby
from models.mendable import Mendable
from models.outgoing import Hosts

DEV_TOKEN_ISSUER = "arflow-dev"  # noqa: S105 - the name of an issuer, not a secret
"""`iss` of the tokens that `arflow token` signs; never accepted in production."""


_SECRET_LIMIT = 64 * 1024


class SettingsError(Mendable):
    """The environment asks for something that cannot be; the message names the variable to change."""


class Settings(BaseSettings):
    """All settings; `ARFLOW_` + the field's name in capitals is its variable."""

    model_config = SettingsConfigDict(env_prefix="ARFLOW_", env_ignore_empty=True, extra="ignore")

    env: Literal["dev", "production"] = "dev"
    dev_hosts: str | None = None
    """Hosts beyond this machine that development is let near, by name and comma: an address to listen on (`0.0.0.0`), a host
    of a database. A development token opens everything, so none is unless it is named."""
    home: Path = Path(".arflow")
    """State directory: embedded database, Temporal's file, logs, development secret."""

    host: str = "127.0.0.1"
    """Address that the API listens on; `0.0.0.0` in a container."""
    port: int = Field(default=8080, ge=1, le=65535)
    internal_port: int | None = Field(default=None, ge=1, le=65535)
    """Where the API serves `/metrics`, `/readyz`, `/docs` and `/openapi.json`, and then nowhere else; None: on `port`."""
    access_log: bool = False
    """Whether the API writes a line per request that says who asked for what: ids of people and records, no contents."""
    temporal_port: int = Field(default=7233, ge=1, le=65535)
    temporal_ui_port: int = Field(default=8233, ge=1, le=65535)

    database_url: str | None = None
    """libpq URL of the owner of the schema. None: `make up` starts an embedded PostgreSQL and hands its URL on."""
    app_database_url: str | None = None
    """Another login for API and worker, for sites where these must not hold the owner's; None: `database_url`."""
    database_pool_size: int = Field(default=20, ge=1)
    database_statement_seconds: int = Field(default=120, ge=1)
    """How long one statement of the API may take; a server that is not heard a little later is given up."""
    database_work_seconds: int = Field(default=1800, ge=1)
    """The same for the worker, which compares a million rows of an import in one statement."""

    authorities_file: Path | None = None
    """Certificates (PEM) of authorities of the operator's own, trusted beside those that this machine trusts, wherever arflow
    calls: identity provider, mail server, webhooks' receivers, external systems, stamping authority. Temporal's and
    PostgreSQL's are named with their addresses."""
    temporal_address: str | None = None
    """host:port of an external Temporal. None: `make up` starts a dev server on `temporal_port`."""
    temporal_namespace: str = "default"
    temporal_api_key: SecretStr | None = None
    temporal_api_key_file: Path | None = None
    """Instead: the file that it stands in, which is read again as long as a process runs: another key needs no restart."""
    temporal_tls: bool | None = None
    """None: TLS exactly where an API key or a certificate is given."""
    temporal_tls_server_name: str | None = None
    temporal_tls_ca_file: Path | None = None
    temporal_tls_cert_file: Path | None = None
    temporal_tls_key_file: Path | None = None
    temporal_cli: Path | None = None
    """A `temporal` binary to use for the embedded dev server."""

    smtp_url: SecretStr | None = None
    """smtp://user:password@host:port (in production with STARTTLS alone) or smtps://; None: confirmations wait as exceptions
    would, nothing is sent."""

    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_jwks_url: str | None = None
    """None: found through the issuer's discovery document."""
    dev_token_secret: SecretStr | None = None
    """Signs development tokens; None: one is made and kept in the state directory, readable by its owner only."""
    dev_token_audience: str = "arflow"  # noqa: S105 - the name of an audience, not a secret

    secrets_dir: Path | None = None
    """Where credentials of external systems lie: a folder per organisation, named by its id, a file in it each (as
    container platforms mount them); None: secrets/ under the state directory."""
    signing_key_file: Path | None = None
    """The private key (Ed25519, PEM) that seals and evidence are signed with; None: one is made in the state directory, in
    production nothing is signed."""
    signing_command: str | None = None
    """Instead of the key: a command that signs what it reads from its input, such as a call of a key management service."""
    signing_public_keys_file: Path | None = None
    """The public keys (PEM) whose signatures `arflow verify` and `verify-evidence` take; of `signing_command`, its own first."""
    tsa_url: str | None = Field(default=None, pattern=r"^https?://[^/?#@\s]+(/[^#\s]*)?$")
    """A stamping authority (RFC 3161) that says since when each daily seal has been there; None: nobody does."""
    tsa_certificates_file: Path | None = None
    """The certificates (PEM) that vouch for the authority: its root, and what its stamps do not bring along. For whoever asks
    for stamps, and for `arflow verify` and `verify-evidence`."""
    source_hosts: str | None = None
    """Which hosts connections to external systems may lead to, such as `acme.my.salesforce.com,*.force.com`; `:port` and
    `http://` where need be. None: those of the vendors, by https, and in development this machine."""
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/?#@\s]+$")
    """Where people and assistants reach the API, such as `https://ar.example.com`; None: as each request was addressed."""
    upload_dir: Path | None = None
    """Where files lie that are being uploaded; on a disk, a container's /tmp is its memory. None: the system's folder."""
    upload_bytes: int = Field(default=8 * 1024**3, ge=1)
    """So many bytes of uploads may be under way in one API process."""
    rate_limit: str | None = None
    """Requests per caller, such as `600/minute`; None: no limit in dev, `600/minute` in production."""
    tracing: str | None = Field(default=None, pattern=r"^https?://[^/?#@\s]+/?$")
    """Where spans go, an OpenTelemetry collector that speaks OTLP over HTTP, such as `http://collector:4318`; None: nowhere, and
    nothing is measured for it. Needs `pip install 'arflow[tracing]'`."""
    tracing_share: float = Field(default=1.0, ge=0, le=1)
    """Of so many traces that begin here spans are kept; of those that a caller began, as the caller says."""
    ecb_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """Where the European Central Bank's file of rates is fetched every day, such as
    `https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml`; None: nowhere."""
    log_level: str = "INFO"
    log_format: Literal["json", "console"] = "json"
    partner_feed_home: Path | None = None
    """Folder of partner feeds, `<org id>/<legal entity id>/file` below it; None: nothing is watched."""
    build_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")
    """Which build a worker is, for several side by side; None: the package's version in production, else unsaid."""
    drain_seconds: float | None = Field(default=None, ge=0, le=300)
    """How long an API that was told to end goes on serving while it says that it is not ready, so that a balancer turns away
    first; None: 5 in production, else 0."""
    resume_seconds: float = Field(default=300, ge=1)
    """So often a worker looks whether something open has lost its process (`arflow resume`)."""
    worker_metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Where `arflow worker` serves /metrics; None: nowhere."""

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        """Child processes may start elsewhere; a relative home means the directory of the first one."""
        return home.expanduser().absolute()

    @field_validator("source_hosts")
    @classmethod
    def _readable_hosts(cls, hosts: str | None) -> str | None:
        if hosts is not None:
            Hosts.parse(hosts)
        return hosts

    @model_validator(mode="after")
    def _production_has_no_development_tokens(self) -> Self:
        if self.production and self.dev_token_secret is not None:
            raise ValueError("ARFLOW_DEV_TOKEN_SECRET is set, but ARFLOW_ENV=production accepts no development tokens")
        return self

    @model_validator(mode="after")
    def _rates_come_unaltered(self) -> Self:
        if self.production and self.ecb_url is not None and not self.ecb_url.startswith("https://"):
            raise ValueError("ARFLOW_ECB_URL must be https in production: whoever alters rates alters the books")
        return self

    @model_validator(mode="after")
    def _one_key_opens_temporal(self) -> Self:
        if self.temporal_api_key is not None and self.temporal_api_key_file is not None:
            raise ValueError(
                "ARFLOW_TEMPORAL_API_KEY and ARFLOW_TEMPORAL_API_KEY_FILE are both set: one of them says the key"
            )
        return self

    @model_validator(mode="after")
    def _one_key_signs(self) -> Self:
        if self.signing_command is not None and self.signing_key_file is not None:
            raise ValueError("ARFLOW_SIGNING_KEY_FILE and ARFLOW_SIGNING_COMMAND are both set: one key signs")
        if self.signing_command is not None and self.signing_public_keys_file is None:
            raise ValueError("ARFLOW_SIGNING_COMMAND needs ARFLOW_SIGNING_PUBLIC_KEYS_FILE, whose first key is its own")
        return self

    @model_validator(mode="after")
    def _stamps_are_looked_at(self) -> Self:
        if self.tsa_url is not None and self.tsa_certificates_file is None:
            raise ValueError(
                "ARFLOW_TSA_URL needs ARFLOW_TSA_CERTIFICATES_FILE: a stamp that nobody looks at proves nothing"
            )
        return self

    @model_validator(mode="after")
    def _development_stays_on_this_machine(self) -> Self:
        if self.production:
            return self
        named = {host.strip() for host in (self.dev_hosts or "").split(",")}
        asked = [("ARFLOW_HOST", host) for host in ("" if is_nearby(self.host) else self.host,) if host]
        for variable, url in (("DATABASE_URL", self.database_url), ("APP_DATABASE_URL", self.app_database_url)):
            asked += [(f"ARFLOW_{variable}", host) for host in database_hosts(url) if not is_nearby(host)]
        for variable, host in asked:
            if host not in named:
                raise ValueError(
                    f"{variable} names {host}, which is not this machine: set ARFLOW_ENV=production, or, for development that "
                    "may be reached with a development token, name the host in ARFLOW_DEV_HOSTS"
                )
        return self

    def secret(self, org_id: str, name: str) -> str | None:
        """What a credential's name stands for: the text of the file of that name in the organisation's own folder of
        `secrets_dir`; None without one. Neither name leads out of that folder, nor does a link in it."""
        if not re.fullmatch(r"org_[a-z0-9_]{1,60}", org_id) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            return None
        root = self.secrets_dir or self.home / "secrets"
        try:
            folder = root.resolve(strict=True) / org_id
            file = (folder / name).resolve(strict=True)  # platforms mount files as links within their folder
            if not file.is_relative_to(folder) or not file.is_file() or file.stat().st_size > _SECRET_LIMIT:
                return None
            return file.read_text().strip()
        except (OSError, ValueError, RuntimeError):
            return None

    @property
    def production(self) -> bool:
        """True where nothing embedded starts and no development token is accepted."""
        return self.env == "production"

    @property
    def build(self) -> str | None:
        """The build that this process is; None where builds do not run side by side."""
        return self.build_id or (version("arflow") if self.production else None)

    @property
    def effective_drain_seconds(self) -> float:
        """The seconds in force."""
        return self.drain_seconds if self.drain_seconds is not None else 5.0 if self.production else 0.0

    @property
    def effective_rate_limit(self) -> str | None:
        """The limit in force, or None."""
        return self.rate_limit or ("600/minute" if self.production else None)

    @property
    def temporal_uses_tls(self) -> bool:
        """Whether connections to Temporal are encrypted."""
        if self.temporal_tls is not None:
            return self.temporal_tls
        key = self.temporal_api_key or self.temporal_api_key_file
        return bool(key or self.temporal_tls_cert_file or self.temporal_tls_ca_file)

    def temporal_key(self) -> str | None:
        """The API key as its file has it now; None: there is none. Raises OSError, or ValueError where it is no text."""
        if self.temporal_api_key_file is not None:
            return self.temporal_api_key_file.read_text(encoding="ascii").strip() or None
        return self.temporal_api_key.get_secret_value() if self.temporal_api_key else None

    @property
    def temporal_target(self) -> str:
        """host:port of the Temporal frontend, embedded or not."""
        return self.temporal_address or f"127.0.0.1:{self.temporal_port}"

    def require(self, *fields: str) -> None:
        """Raise SettingsError naming the variables among `fields` that are not set."""
        missing = [f"ARFLOW_{field.upper()}" for field in fields if getattr(self, field) is None]
        if missing:
            where = " in production" if self.production else ""
            raise SettingsError(f"not set{where}: {', '.join(missing)}")

    def owner_url(self) -> str:
        """The schema owner's database URL; SettingsError where there is none."""
        self.require("database_url")
        return str(self.database_url)

    def app_url(self) -> str:
        """The database URL for API and worker; SettingsError where there is none."""
        return self.app_database_url or self.owner_url()

    @property
    def public_keys(self) -> Path | None:
        """Whose signatures are taken: the operator's file, in development the key's own; None where there is neither."""
        own = self.home / "signing-key.pub.pem"
        return self.signing_public_keys_file or (own if not self.production and own.exists() else None)

    @property
    def signs(self) -> bool:
        """Whether there is a key by which evidence and seals are signed; development makes its own."""
        return not self.production or self.signing_key_file is not None or self.signing_command is not None

    @property
    def dev_signing_key(self) -> Path | None:
        """Where development keeps its signing key; None in production."""
        return None if self.production else self.home / "signing-key.pem"

    def dev_secret(self) -> str:
        """The secret that signs development tokens, made on first use. SettingsError in production."""
        if self.production:
            raise SettingsError("development tokens do not exist in production (ARFLOW_ENV)")
        if self.dev_token_secret is not None:
            return self.dev_token_secret.get_secret_value()
        return _kept_secret(self.home / "dev-token-secret")


def _kept_secret(path: Path) -> str:
    """Read the secret in `path`; make it first if it is not there. Two first starts agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # fails where another process was first, unlike a rename
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


@lru_cache
def get_settings() -> Settings:
    """The settings of this process. SettingsError where a variable does not parse or contradicts another."""
    try:
        return Settings()
    except ValueError as error:
        raise SettingsError(_readable(error)) from error


def _readable(error: ValueError) -> str:
    """Pydantic's report as one line with the variables' names."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        (f"ARFLOW_{str(e['loc'][0]).upper()}: " if e["loc"] else "") + e["msg"].removeprefix("Value error, ")
        for e in error.errors(include_url=False, include_input=False)
    )
