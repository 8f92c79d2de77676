"""The chart beside compose: linted and rendered by Helm, then held to what compose is held to."""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.app import create_app
from settings import Settings
from stack.checkers import find_helm

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm"
NEEDED = {
    "oidc.issuer": "https://id.example.com",
    "oidc.audience": "arflow",
    "temporal.address": "temporal.example.com:7233",
}
EVERYTHING = {
    **NEEDED,
    "monitoring.enabled": "true",
    "ingress.enabled": "true",
    "ingress.host": "ar.example.com",
    "ingress.tlsSecret": "certificate",
    "temporal.apiKey": "true",
    "temporal.tls.authorities": "true",
    "authorities.configMap": "company",
    "temporal.tls.secret": "temporal-client",
    "signing.secret": "signing",
    "sources.secrets.org_acme": "acme-credentials",
    "settings.ARFLOW_DATABASE_POOL_SIZE": "30",
    "buildId": "0.2.0",
    "tracing": "http://collector:4318",
}
Documents = Sequence[Mapping[str, Any]]


def helm(*words: str, values: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    binary = find_helm()
    if binary is None:
        pytest.skip("no Helm on PATH, and none could be built: `python -m stack.prepare` says why")
    told = [
        part
        for name, value in values.items()
        for part in ("--set-string" if "settings" in name else "--set", f"{name}={value}")
    ]
    command = [str(binary), *words, str(CHART), *told]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def rendered(values: Mapping[str, str]) -> Documents:
    done = helm("template", "books", "--kube-version", "1.31.0", values=values)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@pytest.fixture(scope="module", params=[NEEDED, EVERYTHING], ids=["needed", "everything"])
def documents(request: pytest.FixtureRequest) -> Documents:
    return rendered(request.param)


def pods(documents: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in documents:
        spec = one["spec"]
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield f"{one['kind']} {one['metadata']['name']}", spec["template"]["spec"]


def environment(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    return {one["name"]: one for one in pod["containers"][0]["env"]}


def test_the_chart_passes_the_strict_linter() -> None:
    done = helm("lint", "--strict", values=EVERYTHING)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_what_is_missing_is_named(missing: str) -> None:
    done = helm(
        "template", "books", "--kube-version", "1.31.0", values={k: v for k, v in NEEDED.items() if k != missing}
    )
    assert done.returncode != 0
    assert missing in done.stderr


def test_the_processes_of_the_production_shape_are_there(documents: Documents) -> None:
    assert {name for name, _ in pods(documents)} == {
        "Deployment books-arflow-api", "Deployment books-arflow-worker", "Job books-arflow-migrate",
        "CronJob books-arflow-verify",
    }  # fmt: skip
    assert {pod["containers"][0]["args"][0] for _, pod in pods(documents)} == {"api", "worker", "migrate", "verify"}


def test_every_name_is_used_once(documents: Documents) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in documents]
    assert len(set(names)) == len(names)


def test_nothing_runs_as_root_or_may_become_it_or_write_but_its_scratch(documents: Documents) -> None:
    for name, pod in pods(documents):
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["runAsUser"] == 10001, "the image's account"
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        assert writable == {"/tmp", "/var/lib/arflow"}
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_every_variable_is_a_setting_and_no_secret_is_written_down(documents: Documents) -> None:
    known = {f"ARFLOW_{name.upper()}" for name in Settings.model_fields}
    for name, pod in pods(documents):
        told = environment(pod)
        assert len(told) == len(pod["containers"][0]["env"]), name
        assert set(told) <= known, name
        for variable, one in told.items():
            secret = re.search(r"DATABASE_URL$|SMTP_URL|API_KEY$", variable)
            assert ("valueFrom" in one) == bool(secret), variable
            assert secret or isinstance(one["value"], str), variable


@pytest.mark.parametrize("kind", ["configMap", "secret"])
def test_authorities_of_the_operators_own_are_there_in_every_process(kind: str) -> None:
    """Identity provider, mail server and whatever else arflow calls; for Temporal and PostgreSQL the file is named."""
    told = {f"authorities.{kind}": "company", "authorities.key": "root.pem", "temporal.tls.secret": "temporal-client"}
    file = "/etc/arflow/authorities/root.pem"
    for switch, of_temporal in (("false", "/etc/arflow/temporal/ca.crt"), ("true", file)):
        for name, pod in pods(rendered(NEEDED | told | {"temporal.tls.authorities": switch})):
            said = environment(pod)
            assert said["ARFLOW_AUTHORITIES_FILE"]["value"] == file, name
            assert said["ARFLOW_TEMPORAL_TLS_CA_FILE"]["value"] == of_temporal, name
            (volume,) = [one for one in pod["volumes"] if one["name"] == "authorities"]
            assert volume[kind] in ({"name": "company"}, {"secretName": "company", "defaultMode": 0o440})
            (mount,) = [one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "authorities"]
            assert (mount["mountPath"], mount["readOnly"]) == (str(Path(file).parent), True)


@pytest.mark.parametrize(
    "told",
    [{"temporal.tls.authorities": "true"}, {"authorities.configMap": "company", "authorities.secret": "company"}],
)
def test_authorities_that_are_named_nowhere_or_twice_are_refused(told: dict[str, str]) -> None:
    done = helm("template", "books", "--kube-version", "1.31.0", values=NEEDED | told)
    assert done.returncode != 0
    assert "authorities" in done.stderr


def test_only_migrations_and_the_proof_hold_the_owners_login(documents: Documents) -> None:
    for name, pod in pods(documents):
        login = environment(pod)["ARFLOW_DATABASE_URL"]["valueFrom"]["secretKeyRef"]["key"]
        assert login == ("app-database-url" if "Deployment" in name else "owner-database-url"), name


def test_each_process_gets_the_settings_that_production_requires(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _, pod in pods(documents):
        with monkeypatch.context() as patched:
            for variable, one in environment(pod).items():
                secret = "postgresql://login@postgres/arflow" if "DATABASE" in variable else "smtps://mail.example.com"
                patched.setenv(variable, str(one.get("value", secret)))
            settings = Settings()
        assert settings.production
        settings.require("database_url", "temporal_address", "smtp_url", "oidc_issuer", "oidc_audience")
        assert settings.port == 8080


def test_an_outage_of_the_database_restarts_nothing_and_takes_nobody_in(documents: Documents) -> None:
    containers = {pod["containers"][0]["name"]: pod["containers"][0] for _, pod in pods(documents)}
    assert containers["api"]["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert containers["api"]["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert environment({"containers": [containers["worker"]]})["ARFLOW_WORKER_METRICS_PORT"]["value"] == "9090"


def test_migrations_run_before_the_builds_that_need_them(documents: Documents) -> None:
    (job,) = [one for one in documents if one["kind"] == "Job"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_selectors_find_their_own_pods_and_no_others(documents: Documents) -> None:
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in documents
        if one["kind"] == "Deployment"
    }
    for one in documents:
        selector = one["spec"].get("selector")
        if selector is not None:
            wanted = selector.get("matchLabels", selector)
            found = [name for name, has in labels.items() if wanted.items() <= has.items()]
            assert len(found) == 1, one["kind"]


def test_whatever_the_api_serves_is_let_in_but_its_metrics() -> None:
    (ingress,) = [one for one in rendered(EVERYTHING) if one["kind"] == "Ingress"]
    paths = ingress["spec"]["rules"][0]["http"]["paths"]
    prefixes = tuple(path["path"] for path in paths if path["pathType"] == "Prefix")
    served = {
        str(getattr(route, "path", ""))
        for route in create_app(Settings(database_url="postgresql://nobody@127.0.0.1/none")).routes
    }
    assert sorted(path for path in served if not path.startswith(prefixes)) == ["/", "/metrics"]


def test_the_chart_is_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert chart["version"] == chart["appVersion"] == version
