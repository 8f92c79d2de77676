"""The answers of an NPS survey come from its program's file into the 360 view, by the API's own door."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.surveys import read_survey, take
from models.customer_360.surveys import LeftOut, NoSurvey, SurveyAnswer, answer_of, columns_of
from tests.customers.desk import Desk, fresh, ok
from tests.stack_fixtures.app import AppStack

HEADERS = [
    ("Email", "Score", "Response Date"),
    ("Email Address", "How likely are you to recommend us to a colleague?", "End Date"),
    ("customer_id", "nps_score", "surveyed_at"),
    ("Contact email", "NPS", "Submit Date (UTC)"),
]


@pytest.mark.parametrize("header", HEADERS)
def test_the_usual_programs_columns_are_known(header: tuple[str, ...]) -> None:
    answer = answer_of(2, ["a@x.com", "9", "2026-05-01 10:30:00"], columns_of(header))
    assert isinstance(answer, SurveyAnswer)
    assert (answer.score, answer.surveyed_at) == (9, datetime(2026, 5, 1, 10, 30, tzinfo=UTC))
    assert "a@x.com" in (answer.email, answer.customer)


@pytest.mark.parametrize("header", [("Email", "Score"), ("Score", "Date"), ("Email", "Date", "Comment")])
def test_a_file_that_lacks_a_column_is_no_survey(header: tuple[str, ...]) -> None:
    with pytest.raises(NoSurvey):
        columns_of(header)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["a@x.com", "11", "2026-05-01"], "score"),
        (["a@x.com", "", "2026-05-01"], "score"),
        (["a@x.com", "8.5", "2026-05-01"], "score"),
        (["a@x.com", "-1", "2026-05-01"], "score"),
        (["a@x.com", "9", "01/05/2026"], "YYYY-MM-DD"),
        (["a@x.com", "9", "2026-13-01"], "YYYY-MM-DD"),
        (["", "9", "2026-05-01"], "e-mail"),
    ],
)
def test_what_cannot_be_read_in_one_way_is_left_out_and_named(cells: list[str], why: str) -> None:
    found = answer_of(7, cells, columns_of(("Email", "Score", "Date")))
    assert isinstance(found, LeftOut)
    assert (found.line, why in found.why) == (7, True)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01 10:00:00 +0200", datetime(2026, 5, 1, 8, tzinfo=UTC)),
        ("2026-05-01T10:00:00.123+02:00", datetime(2026, 5, 1, 8, tzinfo=UTC)),
    ],
)
def test_a_day_or_a_moment_is_taken_with_its_offset(text: str, at: datetime) -> None:
    answer = answer_of(2, ["a@x.com", "9", text], columns_of(("Email", "Score", "Date")))
    assert isinstance(answer, SurveyAnswer)
    assert answer.surveyed_at == at


def test_answers_are_in_the_view_once_and_what_is_nobodys_is_named(app_stack: AppStack, tmp_path: Path) -> None:
    desk = Desk(app_stack, app_stack.organisation("Surveyed"))
    mail, own_id = fresh(), "EXT-7"
    one, two = desk.customer(email=mail), desk.customer(external_id=own_id)
    file = tmp_path / "survey.csv"
    file.write_text(
        f"Response ID,Customer ID,Email,Score,Response Date\nr1,,{mail.upper()},9,2026-05-01\nr2,{own_id},,6,2026-05-02 10:00\n"
        f"r3,,nobody@example.com,3,2026-05-03\nr4,,{mail},,2026-05-04\n"
    )
    for _ in range(2):
        written, left_out = take(desk("u_ops"), file)
        assert (written, [(o.line, o.why[:11]) for o in left_out]) == (2, [(4, "no customer"), (5, "no score fr")])
    for customer, score in ((one, 9), (two, 6)):
        panel = ok(desk("u_ae").get(f"/v1/customers/{customer}/360/panels/nps"))
        assert panel["data"]["latest"] == score
    desk.close()


def test_json_is_pointed_to_its_door(tmp_path: Path) -> None:
    file = tmp_path / "survey.json"
    file.write_text('{"records": []}')
    with pytest.raises(NoSurvey, match="PUT /v1/sources/nps_responses"):
        list(read_survey(file))
