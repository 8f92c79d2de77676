"""The chain of approvers of whatever is not one person's to decide: its steps, round by round, and what was decided."""

from sqlalchemy import Column, Integer, Interval, Table, Text

from models.db.tables.metadata import Moment, index, metadata, records, references


def steps(name: str, of: str, parent: str) -> Table:
    """The steps of the records of table `of`, which column `parent` names."""
    return Table(
        name,
        metadata,
        Column("org_id", Text, primary_key=True),
        Column(parent, Text, primary_key=True),
        Column("round", Integer, primary_key=True),
        Column("step", Integer, primary_key=True),
        Column("role", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("remind_after", Interval, nullable=False),
        Column("escalate_after", Interval, nullable=False),
        Column("fallback", Text, nullable=False),
        Column("started_at", Moment),
        Column("remind_at", Moment),
        Column("due_at", Moment),
        Column("reminded_at", Moment),
        Column("escalated_at", Moment),
        Column("decided_by", Text),
        Column("decided_at", Moment),
        Column("on_behalf_of", Text),
        Column("reason_code", Text),
        Column("comment", Text),
        Column("delegated_to", Text),
        Column("delegated_by", Text),
        Column("delegated_until", Moment),
        references(of, **{parent: "id"}),
        index(f"{name}_distinct", "org_id", parent, "round", "decided_by", unique=True, where="decided_by IS NOT NULL"),
    )


def decisions(name: str, of: str, parent: str) -> Table:
    """What each person decided of the records of table `of`, which column `parent` names."""
    return records(
        name,
        Column(parent, Text, nullable=False),
        Column("round", Integer, nullable=False),
        Column("step", Integer, nullable=False),
        Column("role", Text, nullable=False),
        Column("decision", Text, nullable=False),
        Column("decided_by", Text, nullable=False),
        Column("on_behalf_of", Text),
        Column("reason_code", Text),
        Column("comment", Text),
        Column("channel", Text, nullable=False),
        Column("decided_at", Moment, nullable=False),
        references(of, **{parent: "id"}),
        index(f"{name}_{parent.removesuffix('_id')}", "org_id", parent, "id"),
    )
