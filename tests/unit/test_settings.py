"""The one settings module: what the environment may say, and what it is told when that cannot be."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from settings import Settings, SettingsError, get_settings


@pytest.fixture(autouse=True)
def _no_memory() -> None:
    get_settings.cache_clear()


def test_defaults_are_those_of_the_interface(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("HOME", "PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "TEMPORAL_CLI", "ENV"):
        monkeypatch.delenv(f"ARFLOW_{variable}", raising=False)
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    assert (settings.port, settings.temporal_port, settings.temporal_ui_port) == (8080, 7233, 8233)
    assert settings.home == tmp_path / ".arflow"
    assert settings.env == "dev"
    assert settings.rate_limit is settings.effective_rate_limit is settings.database_url is None


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("ARFLOW_PORT", "eighty", "ARFLOW_PORT: "),
        ("ARFLOW_PORT", "70000", "ARFLOW_PORT: "),
        ("ARFLOW_ENV", "staging", "ARFLOW_ENV: "),
    ],
)
def test_a_variable_that_does_not_parse_is_named(
    variable: str, value: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=named) as refused:
        get_settings()
    assert "\n" not in str(refused.value)


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARFLOW_DATABASE_URL", "")
    assert Settings().database_url is None


def test_concurrent_first_starts_agree_on_one_secret_that_only_the_owner_reads(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: Settings(home=tmp_path).dev_secret(), range(32)))
    assert len(secrets) == 1
    assert len(secrets.pop()) >= 43
    assert [path.name for path in tmp_path.iterdir()] == ["dev-token-secret"]
    assert stat.S_IMODE((tmp_path / "dev-token-secret").stat().st_mode) == 0o600


def test_production_has_no_development_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="production"):
        Settings(env="production", home=tmp_path).dev_secret()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("ARFLOW_ENV", "production")
    monkeypatch.setenv("ARFLOW_DEV_TOKEN_SECRET", "left over")
    with pytest.raises(SettingsError, match="ARFLOW_DEV_TOKEN_SECRET"):
        get_settings()


def test_secrets_do_not_show_in_a_representation() -> None:
    settings = Settings(temporal_api_key="key-1", smtp_url="smtp://u:word@mail", dev_token_secret="dts-1")
    assert not [secret for secret in ("key-1", "word", "dts-1") if secret in repr(settings)]


@pytest.mark.parametrize(
    ("given", "encrypted"),
    [({}, False), ({"temporal_api_key": "k"}, True), ({"temporal_api_key": "k", "temporal_tls": False}, False)],
)
def test_an_api_key_means_tls_unless_told_otherwise(given: dict[str, Any], encrypted: bool) -> None:
    assert Settings(**given).temporal_uses_tls is encrypted


def test_an_api_key_in_a_file_is_the_one_that_is_there_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    settings = Settings(temporal_api_key_file=file)
    assert settings.temporal_uses_tls
    for key in ("one", "two"):
        file.write_text(f"{key}\n")
        assert settings.temporal_key() == key
    monkeypatch.setenv("ARFLOW_TEMPORAL_API_KEY", "three")
    monkeypatch.setenv("ARFLOW_TEMPORAL_API_KEY_FILE", str(file))
    with pytest.raises(SettingsError, match="both set") as refused:
        get_settings()
    assert "three" not in str(refused.value)


def test_a_worker_says_its_build_in_production_or_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import version

    assert Settings().build is None
    assert Settings(env="production").build == version("arflow")
    monkeypatch.setenv("ARFLOW_BUILD_ID", "2026.11.22-abc")
    assert Settings().build == "2026.11.22-abc"


def kept(root: Path) -> None:
    for org, text in (("org_a", "a's"), ("org_b", "b's")):
        (root / org).mkdir(parents=True)
        (root / org / "crm").write_text(f"{text}\n")
    (root / "crm").write_text("nobody's")
    (root / "org_b" / "theirs").write_text("b's own")


def test_a_credential_is_the_organisations_own(tmp_path: Path) -> None:
    kept(tmp_path / "secrets")
    settings = Settings(home=tmp_path)
    assert (settings.secret("org_a", "crm"), settings.secret("org_b", "crm")) == ("a's", "b's")
    assert settings.secret("org_a", "theirs") is None
    assert settings.secret("org_c", "crm") is None
    assert Settings(home=tmp_path / "x", secrets_dir=tmp_path / "secrets").secret("org_a", "crm") == "a's"


@pytest.mark.parametrize(
    "name", ["../org_b/crm", "..", ".", "", "crm/", "/etc/passwd", "crm\n", "a" * 65, "crm\x00", "%2e%2e"]
)
def test_no_name_leads_out_of_the_organisations_folder(tmp_path: Path, name: str) -> None:
    kept(tmp_path / "secrets")
    assert Settings(home=tmp_path).secret("org_a", name) is None


@pytest.mark.parametrize("org", ["", ".", "..", "org_b/../org_b", "../secrets/org_b", "org_", "ORG_A", "org_a\n", "/"])
def test_no_organisation_but_a_well_formed_one_has_a_folder(tmp_path: Path, org: str) -> None:
    kept(tmp_path / "secrets")
    assert Settings(home=tmp_path).secret(org, "crm") is None


def test_a_link_serves_within_the_folder_and_nowhere_else(tmp_path: Path) -> None:
    """As container platforms mount secrets: a link to a link to a file, all within."""
    root = tmp_path / "secrets"
    kept(root)
    (root / "org_a" / "..2026").mkdir()
    (root / "org_a" / "..2026" / "mounted").write_text("mounted")
    (root / "org_a" / "..data").symlink_to("..2026")
    (root / "org_a" / "mounted").symlink_to("..data/mounted")
    (root / "org_a" / "out").symlink_to("../org_b/crm")
    (root / "org_a" / "far").symlink_to("/etc/hostname")
    (root / "org_a" / "loop").symlink_to("loop")
    (root / "org_c").symlink_to("org_b")
    (root / "org_a" / "folder").mkdir()
    settings = Settings(home=tmp_path)
    assert settings.secret("org_a", "mounted") == "mounted"
    assert [settings.secret("org_a", n) for n in ("out", "far", "loop", "folder")] == [None] * 4
    assert settings.secret("org_c", "crm") is None


def test_hosts_of_sources_are_read_at_the_start() -> None:
    assert Settings(source_hosts="*.crm.example, http://127.0.0.1:*").source_hosts is not None
    with pytest.raises(ValueError, match="no host"):
        Settings(source_hosts="https://crm.example/path")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ARFLOW_HOST", "0.0.0.0"),
        ("ARFLOW_HOST", "::"),
        ("ARFLOW_HOST", "192.0.2.1"),
        ("ARFLOW_DATABASE_URL", "postgresql://a@192.0.2.1/arflow"),
        ("ARFLOW_DATABASE_URL", "postgresql+psycopg://a@192.0.2.1:5432/arflow"),
        ("ARFLOW_DATABASE_URL", "postgresql:///arflow?host=192.0.2.1"),
        ("ARFLOW_DATABASE_URL", "postgresql://a@127.0.0.1,192.0.2.1/arflow"),
        ("ARFLOW_DATABASE_URL", "host=192.0.2.1 dbname=arflow"),
        ("ARFLOW_DATABASE_URL", "postgresql://a@localhost/arflow?hostaddr=192.0.2.1"),
        ("ARFLOW_APP_DATABASE_URL", "postgresql://a@192.0.2.1/arflow"),
    ],
)
def test_development_is_let_near_nothing_beyond_this_machine_that_is_not_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=rf"{variable} names .*ARFLOW_DEV_HOSTS"):
        get_settings()
    monkeypatch.setenv("ARFLOW_DEV_HOSTS", "db.test, 192.0.2.1, 0.0.0.0, ::")
    get_settings()
    monkeypatch.delenv("ARFLOW_DEV_HOSTS")
    monkeypatch.setenv("ARFLOW_ENV", "production")
    get_settings.cache_clear()
    get_settings()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a@127.0.0.1:5433/arflow", "postgresql://a@localhost/arflow", "postgresql://a@[::1]/arflow",
        "postgresql:///arflow?host=/var/run/postgresql", "postgresql://a@/arflow", "dbname=arflow",
    ],
)  # fmt: skip
def test_development_takes_an_external_database_of_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARFLOW_DATABASE_URL", url)
    assert get_settings().database_url == url
