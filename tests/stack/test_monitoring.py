"""deploy/monitoring: what alerts and dashboard ask for is what the processes answer, and each alert leads to its runbook."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from stack.checkers import find_promtool
from tests.stack_fixtures.app import AppStack
from tests.unit.test_reference_pages import anchors

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
GROUPS: Sequence[Mapping[str, Any]] = yaml.safe_load((MONITORING / "arflow.rules.yml").read_text())["groups"]
RULES: Sequence[Mapping[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
DASHBOARD: Mapping[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
OF_OTHERS = {"up", "node_filesystem_avail_bytes", "node_filesystem_size_bytes"}
"""Prometheus' own, and the node exporter's of the hosts."""
METRIC = re.compile(r"\b(up|(?:arflow|process|node)_\w+)\b(?:\{([^}]*)\})?")
PER_SCRAPE = {"job", "instance", "mountpoint", "fstype"}


def queries() -> Iterator[tuple[str, str]]:
    yield from ((rule["alert"], rule["expr"]) for rule in RULES)
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", []))


@pytest.fixture(scope="module")
def served(app_stack: AppStack) -> Mapping[str, str]:
    """What API and worker answer."""
    urls = {"api": f"{app_stack.base_url}/metrics", "worker": app_stack.worker_metrics}
    return {name: httpx2.get(url, trust_env=False, timeout=60).text for name, url in urls.items()}


def families(text: str) -> set[str]:
    found = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        found |= {name, *([f"{name}_bucket", f"{name}_count", f"{name}_sum"] if kind == "histogram" else [])}
    return found


def test_every_metric_that_is_asked_for_is_one_that_the_processes_answer(served: Mapping[str, str]) -> None:
    known = OF_OTHERS | families(served["api"]) | families(served["worker"])
    asked = {(where, name) for where, query in queries() for name, _ in METRIC.findall(query)}
    assert len({name for _, name in asked}) > 25
    assert [one for one in sorted(asked) if one[1] not in known] == []


def test_every_label_that_is_asked_for_is_one_that_the_docs_name() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"\w+", " ".join(line for line in page.splitlines() if line.startswith("| `arflow_"))))
    labels = {
        label for _, query in queries() for _, said in METRIC.findall(query) for label in re.findall(r"(\w+)[!=]", said)
    }
    labels |= {one for _, query in queries() for by in re.findall(r"by \(([^)]*)\)", query) for one in by.split(", ")}
    assert labels - PER_SCRAPE - named == {"le"}


def test_metrics_are_lean_and_say_which_build_answers(served: Mapping[str, str]) -> None:
    for process, text in served.items():
        assert "_created" not in "\n".join(line for line in text.splitlines() if "invoices_created" not in line)
        assert "python_gc" not in text
        assert re.search(rf'^arflow_build_info{{[^}}]*process="{process}"[^}}]*}} 1\.0$', text, re.MULTILINE)
        assert 'version="0.1.0"' in text
    assert "arflow_database_answers 1.0" in served["api"]
    assert "arflow_temporal_answers 1.0" in served["api"]
    assert "arflow_database_answers" not in served["worker"], "a worker that does not look says nothing, rather than 0"
    queues = set(re.findall(r'^arflow_queue_pollers{queue="(\w+)"} [1-9]', served["api"], re.MULTILINE))
    assert queues == {"posting", "processes", "changes", "imports", "refresh", "webhooks"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_alert_says_how_urgent_it_is_and_leads_to_a_runbook_that_is_there(rule: Mapping[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert (ROOT / path).is_file(), path
    assert not anchor or anchor in anchors(ROOT / path), anchor


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "arflow.rules.yml"),
        ("test", "rules", "arflow.rules.test.yml"),
        ("check", "config", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_promtool_agrees(words: tuple[str, ...]) -> None:
    promtool = find_promtool()
    if promtool is None:
        pytest.skip("no promtool on PATH, and none could be had: `python -m stack.prepare` says why")
    done = subprocess.run([promtool, *words], cwd=MONITORING, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or panel["targets"]
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel.get("targets", []))
