"""The page of the view: a shell without data, which may load our own files only and shows everything as text."""

import re
from pathlib import Path

from tests.books import Books

WEB = Path(__file__).parents[2] / "api/web"


def test_the_page_is_a_shell_that_holds_nothing_of_the_customer(books: Books) -> None:
    c = books.customer("Very Secret Ltd")
    answer = books.api("ops").get(f"/customers/{c}/360", headers={"Authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert c in answer.text
    assert "Secret" not in answer.text


def test_the_page_loads_only_files_of_ours_and_runs_no_inline_script(books: Books) -> None:
    api = books.api("ops")
    answer = api.get("/customers/cust_x/360")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", answer.text)
    files = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert len(files) == 4
    for name in files:
        assert name.startswith("/static/")
        found = api.get(name)
        assert (found.status_code, found.headers["x-content-type-options"]) == (200, "nosniff")
    assert api.get("/static/none.js").status_code == 404


def test_an_id_in_the_address_cannot_become_markup(books: Books) -> None:
    answer = books.api("ops").get("/customers/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E/360")
    assert answer.status_code == 200
    assert "<img" not in answer.text


def test_the_script_never_writes_markup() -> None:
    for name in ("customer_360.js", "records.js"):
        script = (WEB / "static" / name).read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)
