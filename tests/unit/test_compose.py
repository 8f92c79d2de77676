"""The production shape, read and checked; containers cannot run everywhere that tests do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from cli.main import app
from settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
JOBS = {name for name, service in SERVICES.items() if service["restart"] == "on-failure"}
APIS = ("api-1", "api-2")
NOT_OF_PRODUCTION = {
    "dev_hosts", "dev_token_secret", "dev_token_audience", "temporal_cli", "temporal_port", "temporal_ui_port",
    "home", "host", "port", "app_database_url", "env",
}  # fmt: skip
"""Settings of development, of the image, or whose part here another one plays."""
PROXY = (ROOT / "deploy" / "proxy" / "haproxy.cfg").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
EXACT_TAG = re.compile(r"^[a-z/-]+:\d+\.\d+(\.\d+)?[\w.-]*$")


def test_the_parts_of_the_production_shape_are_there() -> None:
    assert set(SERVICES) - JOBS == {"postgres", "temporal", "temporal-ui", "api-1", "api-2", "proxy", "worker"}
    assert {"temporal-schema", "temporal-namespace", "migrate"} == JOBS


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    assert EXACT_TAG.match(re.sub(r"\$\{ARFLOW_BUILD_ID:-([^}]+)\}$", r"\1", SERVICES[name]["image"]))


def test_our_image_is_of_the_package_or_of_the_build_that_is_named() -> None:
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    ours = {service["image"] for service in SERVICES.values() if "build" in service}
    assert ours == {f"arflow:${{ARFLOW_BUILD_ID:-{version}}}"}


def test_the_image_is_built_from_pinned_bases_and_hashes() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert bases
    assert all(EXACT_TAG.match(base) for base in bases)
    assert "--require-hashes -r requirements/runtime.txt" in DOCKERFILE
    assert "--require-hashes -r requirements/build.txt" in DOCKERFILE
    assert re.findall(r"pip install (?!.*--require-hashes)(?!.*--no-build-isolation)", DOCKERFILE) == []
    built = (ROOT / "requirements" / "build.txt").read_text().split("\n", 1)[1].strip()
    assert built.startswith("setuptools==")
    assert "--hash=sha256:" in built
    assert built in (ROOT / "requirements" / "dev.txt").read_text()
    assert "apt-get" not in DOCKERFILE, "packages of the system come without a hash of ours"


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_runs_as_root_or_may_become_it(name: str) -> None:
    service = SERVICES[name]
    user = service["user"] if "user" in service else re.findall(r"^USER (\S+)", DOCKERFILE, re.M)[-1]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - JOBS))
def test_every_lasting_service_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_health_or_completion(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert how["condition"] == ("service_completed_successfully" if other in JOBS else "service_healthy")


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_down_and_none_may_be_missing(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"PASSWORD|PWD|SMTP_URL|DATABASE_URL|OIDC_ISSUER|OIDC_AUDIENCE", variable):
            assert re.search(r"\$\{\w+:\?\}", value), variable
    example = (ROOT / "deploy" / "example.env").read_text()
    for variable in re.findall(r"\$\{(\w+)", str(SERVICES[name])):
        assert re.search(rf"^{variable}=$", example, re.M), variable


def test_only_loopback_ports_are_published() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("migrate", ["database_url", "temporal_address"]),
        ("worker", ["database_url", "temporal_address", "smtp_url"]),
        *((api, ["database_url", "temporal_address", "oidc_issuer", "oidc_audience"]) for api in APIS),
    ],
)
def test_each_process_gets_the_settings_that_production_requires(
    name: str, needed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value))  # as with an empty .env
    settings = Settings()
    assert settings.production
    settings.require(*needed)
    assert SERVICES[name]["command"] == [name.partition("-")[0]]


def test_api_and_worker_hold_no_login_that_owns_anything() -> None:
    for name in (*APIS, "worker"):
        assert "arflow_app_login" in SERVICES[name]["environment"]["ARFLOW_DATABASE_URL"]
    assert "arflow_owner" in SERVICES["migrate"]["environment"]["ARFLOW_DATABASE_URL"]


def test_every_setting_can_be_set_from_outside() -> None:
    wanted = {f"ARFLOW_{name.upper()}" for name in Settings.model_fields if name not in NOT_OF_PRODUCTION}
    for name in (*APIS, "worker", "migrate"):
        of_others = set() if name in APIS else {"ARFLOW_UPLOAD_DIR"}
        assert wanted - set(SERVICES[name]["environment"]) == of_others, name
    assert SERVICES["api-1"]["environment"] == SERVICES["api-2"]["environment"]


def test_no_variable_is_told_to_nobody() -> None:
    known = {f"ARFLOW_{name.upper()}" for name in Settings.model_fields}
    for name in (*APIS, "worker", "migrate"):
        assert set(SERVICES[name]["environment"]) <= known, name
    listed = set(re.findall(r"^(\w+)=$", (ROOT / "deploy" / "example.env").read_text(), re.M))
    assert listed == set(re.findall(r"\$\{(\w+)", str(COMPOSE)))


def test_our_health_checks_are_commands_of_the_image() -> None:
    for service in SERVICES.values():
        words = service.get("healthcheck", {}).get("test", [])[1:]
        if "build" in service and words:
            assert (words[0], words[1] in typer.main.get_group(app).commands) == ("arflow", True)


def test_what_is_set_nowhere_is_as_if_it_were_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SERVICES["worker"]["environment"].items():
        monkeypatch.setenv(variable, re.sub(r"\$\{\w+:[-?]([^}]*)\}", r"\1", value))
    said = Settings()
    assert (said.rate_limit, said.effective_rate_limit, said.database_pool_size) == (None, "600/minute", 20)
    assert (said.temporal_namespace, said.temporal_uses_tls) == ("arflow", False)


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_fills_a_disk_or_a_machine(name: str) -> None:
    service = SERVICES[name]
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert service["mem_limit"]
    assert service["pids_limit"]


def test_folders_of_the_host_are_read_only_but_for_what_is_collected() -> None:
    for name in (*APIS, "worker"):
        assert SERVICES[name]["read_only"]
        for volume in SERVICES[name]["volumes"]:
            written = "/var/lib/arflow/feeds" if name == "worker" else "/var/lib/arflow/uploads"
            assert volume.endswith((":ro", f":{written}"))
    assert SERVICES["worker"]["environment"]["ARFLOW_PARTNER_FEED_HOME"] == "${ARFLOW_PARTNER_FEED_HOME:-}"


def test_one_address_stands_before_both_apis() -> None:
    assert [name for name in SERVICES if any(":8080:" in port for port in SERVICES[name].get("ports", []))] == ["proxy"]
    assert re.findall(r"^\s+server (\S+) (\S+)$", PROXY, re.M) == [(api, f"{api}:8080") for api in APIS]
    asked = re.search(r"inter (\d+)s fall (\d+)", PROXY)
    assert asked
    drains = Settings(env="production").effective_drain_seconds
    assert int(asked[1]) * (int(asked[2]) + 1) < drains, "the proxy must turn away before the listener closes"


def test_readiness_is_asked_where_the_apis_answer_it() -> None:
    where = "${ARFLOW_INTERNAL_PORT:-8080}"
    assert SERVICES["proxy"]["environment"]["READY_PORT"] == where
    assert 'check port "${READY_PORT}" ' in PROXY
    assert SERVICES["api-1"]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{where}/readyz"


def test_the_proxy_repeats_only_what_is_safe_to_repeat() -> None:
    assert "retry-on conn-failure empty-response\n" in PROXY
    assert "option http-buffer-request " in PROXY, "without it no body is sent a second time"
    assert "http-request disable-l7-retry if !METH_GET !{ req.hdr(Idempotency-Key) -m found }\n" in PROXY
    for status in (502, 503, 504):
        line = re.search(
            rf"http-error status {status} content-type application/problem\+json string '(.+)' hdr Retry-After", PROXY
        )
        assert line
        said = json.loads(line[1].replace("\\", ""))
        assert (said["status"], said["code"]) == (status, "UNAVAILABLE")


def test_histories_are_kept_as_long_as_is_said() -> None:
    assert SERVICES["temporal-namespace"]["environment"]["RETENTION"] == "${TEMPORAL_RETENTION:-7d}"
    script = (ROOT / "deploy" / "temporal" / "namespace.sh").read_text()
    assert 'namespace update --namespace "$NAMESPACE" --retention "$RETENTION"' in script


def test_everything_that_the_image_needs_is_let_into_its_build() -> None:
    ignore = (ROOT / ".dockerignore").read_text()
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    modules = {path.name for path in ROOT.glob("*.py")}
    for name in rooms | modules | {"requirements", "pyproject.toml"}:
        assert f"!{name}\n" in ignore, name
