"""What a runbook tells somebody to type is there to be typed; what it tells them to look at is there to be seen."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from api.app import create_app
from cli.main import app
from settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
COMMANDS = typer.main.get_group(app).commands
TEXT = {page.name: page.read_text() for page in PAGES}
ASKED_FOR = {
    "first-day", "backup-and-restore", "upgrade-and-downgrade", "rotate-secrets", "temporal-away", "postgresql-away", "mail-away",
    "identity-provider-away", "stuck-run", "disk-filling", "suspicious-verify", "README",
}  # fmt: skip


def typed() -> Iterator[tuple[str, str]]:
    """Every `arflow …` of a block or of the text."""
    for name, text in TEXT.items():
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if found := re.search(r"(?:^|\s)(arflow [a-z][^#]*)", line.partition("#")[0]):
                    yield name, found[1].strip()
        yield from ((name, words) for words in re.findall(r"`(arflow [a-z][^`]*)`", text))


def test_there_is_a_page_for_each_night_and_each_is_short() -> None:
    assert {page.stem for page in PAGES} == ASKED_FOR
    assert [name for name, text in TEXT.items() if len(text.splitlines()) > 100] == []
    for name in ASKED_FOR - {"README"}:
        assert f"({name}.md)" in TEXT["README.md"], name


@pytest.mark.parametrize(("page", "words"), sorted(set(typed())))
def test_every_command_is_one_that_the_command_line_takes(page: str, words: str) -> None:
    command, said = typer.main.get_command(app), shlex.split(words)[1:]
    while isinstance(command, TyperGroup):
        assert said, words
        assert said[0] in command.commands, words
        command = command.commands[said.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in said if word.startswith("--")} <= options


def composed() -> Iterator[tuple[str, list[str]]]:
    """Every `docker compose …` of a block or of the text, those of the page of operations included."""
    for name, text in (TEXT | {"operations.md": (ROOT / "docs" / "operations.md").read_text()}).items():
        blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ").splitlines()
        for line in (*(line.partition("#")[0] for line in blocks), *re.findall(r"`(docker\s+compose [^`]*)`", text)):
            for words in re.split(r"&&|\||;", line):
                if words.split()[:2] == ["docker", "compose"]:
                    yield name, shlex.split(words)[2:]


OPTIONS = {
    "build": set[str](), "exec": set[str](), "ps": set[str](), "stop": set[str](),
    "up": {"-d", "--no-deps", "--no-build", "--wait"}, "logs": {"--no-log-prefix"},
    "run": {"--rm", "--no-deps", "--entrypoint", "-v"},
}  # fmt: skip
"""What of compose is typed, with the options that it has."""


def test_every_part_that_compose_is_asked_for_is_in_its_file_and_nothing_waits_for_what_is_away() -> None:
    parts = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    said = list(composed())
    assert len(said) >= 10
    for name, (verb, *words) in said:
        options = {word for word in words if word.startswith("-")} if verb != "run" else set(words) & OPTIONS["run"]
        assert options <= OPTIONS[verb] or verb == "exec", (name, words)
        named = [word for word in words if not word.startswith("-")]
        if verb == "run":
            assert {"--rm", "--no-deps"} <= set(words), (name, words)
            named = words[max(i for i, word in enumerate(words) if word in parts) :]
        if verb in ("run", "exec"):
            assert named[0] in parts, (name, words)
            if named[0] == "migrate" and named[1:]:
                assert named[1] in COMMANDS, (name, words)
        else:
            assert set(named) <= set(parts), (name, words)


def test_every_address_is_one_that_the_api_serves() -> None:
    served = set(create_app(Settings(database_url="postgresql://nobody@127.0.0.1/none")).openapi()["paths"])
    patterns = [re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))) for path in served]
    asked = {
        (name, path)
        for name, text in TEXT.items()
        for path in re.findall(r"(?:https?://[\w.:]+|[` ])(/(?:v1|readyz|healthz|metrics)[^\s`\"?)]*)", text)
    }
    assert len(asked) > 10
    assert [one for one in sorted(asked) if not any(p.fullmatch(one[1]) for p in patterns)] == []


def test_every_variable_is_a_setting() -> None:
    known = {f"ARFLOW_{name.upper()}" for name in Settings.model_fields}
    ours = set(re.findall(r"\w*ARFLOW_\w+", (ROOT / "deploy" / "example.env").read_text()))
    found = {(name, v) for name, text in TEXT.items() for v in re.findall(r"\bARFLOW_[A-Z_]+\b", text)}
    assert [one for one in sorted(found) if one[1] not in known | ours] == []


def test_every_metric_and_alert_is_one_that_is_served_and_watched() -> None:
    docs = (ROOT / "docs" / "operations.md").read_text()
    rules = yaml.safe_load((ROOT / "deploy" / "monitoring" / "arflow.rules.yml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    everything = "\n".join(TEXT.values())
    metrics = {
        re.sub(r"_(count|sum|bucket)$", "", name) for name in re.findall(r"`(arflow_[a-z_]+_[a-z_]+)[`{]", everything)
    }
    logins = {"arflow_app_login", "arflow_app_login_b", "arflow_owner"}
    assert [name for name in sorted(metrics - logins) if f"`{name}`" not in docs] == []
    assert set(re.findall(r"\bArflow[A-Z]\w+", everything)) == alerts, "each alert is in the table of the first page"


def test_every_statement_runs(fresh_database_url: str) -> None:
    blocks = [block for text in TEXT.values() for block in re.findall(r"```sql\n(.*?)```", text, re.DOTALL)]
    assert len(blocks) >= 6
    with psycopg.connect(fresh_database_url) as connection:
        for block in blocks:
            connection.execute("SAVEPOINT before")
            try:
                connection.execute(block.encode())
            except psycopg.errors.UndefinedObject:  # the logins of production: their script makes them
                connection.execute("ROLLBACK TO before")
        connection.rollback()


def test_every_log_line_and_answer_that_is_quoted_is_one_that_the_code_says() -> None:
    source = "\n".join(
        path.read_text()
        for room in ("api", "activities", "workflows", "cli", "models", "operations")
        for path in (ROOT / room).rglob("*.py")
    )
    source = re.sub(r'"\s*\n\s*f?"', "", source)
    for said in (
        "The request is kept; ask again with the same Idempotency-Key.",
        "A part of the service is away for a moment; send the",
        "The identity provider does not answer.",
        "signing keys could not be fetched",
        "activity failed",
        "does not serve this build",
        "new chains begin on",
        "nothing open lacks its process",
        "another issuer's",
        "in the clear",
        "Sent to the customer",
    ):
        quoted = any(said in re.sub(r"\s+", " ", text) for text in TEXT.values())
        assert (said, quoted, said in source) == (said, True, True)
