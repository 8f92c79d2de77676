"""Who may do what: the role table (docs/roles.md) as data, and the person (or service) behind a request.

Rules of the table: a role that may write may read; `auditor` reads everything and writes nothing; `ar_manager`
includes `manager`; every other role matches exactly; what stands nowhere is refused.

Reading journal entries, credits, reconciliations and reports goes with reading payments. A customer's aging, prices,
contacts, 360 view and everything that view drills into go with reading customers. What a write answered later
(`/v1/operations`) is told to whoever sent it, and to whoever may read the record that it is about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

AR_CLERK: Final = "ar_clerk"
AR_MANAGER: Final = "ar_manager"
MANAGER: Final = "manager"
CONTROLLER: Final = "controller"
CFO: Final = "cfo"
ACCOUNT_EXECUTIVE: Final = "account_executive"
ACCOUNT_MANAGER: Final = "account_manager"
CUSTOMER_SUCCESS_MANAGER: Final = "customer_success_manager"
AUDITOR: Final = "auditor"
OPS: Final = "ops"
BANK_FEED: Final = "bank_feed"

ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        AR_CLERK: "records and applies payments, writes invoices, submits changes and imports",
        AR_MANAGER: "what a clerk does, decides first steps of approvals, acts from the 360 view; includes `manager`",
        MANAGER: "decides steps that ask for a manager, and reads what is to be decided; nothing else",
        CONTROLLER: "what a clerk does, decides steps, closes months, keeps settings, policies and master data",
        CFO: "reads all of it, decides the last steps, and keeps settings as a controller does",
        ACCOUNT_EXECUTIVE: "sees customers and their invoices, acts from the 360 view, submits changes",
        ACCOUNT_MANAGER: "as an account executive; is asked for renewals that are near or missed",
        CUSTOMER_SUCCESS_MANAGER: "as an account executive; is asked first about escalated cases",
        AUDITOR: "reads everything, writes nothing",
        OPS: "a service or operator: source records, events and webhooks, everybody's exceptions",
        BANK_FEED: "a service: records payments and uploads bank statements, and reads them",
    }
)
"""Every role, each with what it is for."""

_INCLUDES: Final[Mapping[str, frozenset[str]]] = MappingProxyType({AR_MANAGER: frozenset({MANAGER})})

_SALES: Final = frozenset({ACCOUNT_EXECUTIVE, ACCOUNT_MANAGER, CUSTOMER_SUCCESS_MANAGER})
_DESK: Final = frozenset({AR_CLERK, AR_MANAGER, CONTROLLER})
_FINANCE: Final = _DESK | {CFO}
_APPROVERS: Final = frozenset({MANAGER, CONTROLLER, CFO})  # a step's own role is checked where it is decided


def _read(*roles: Iterable[str]) -> frozenset[str]:
    return frozenset({AUDITOR}).union(*roles)


PERMISSIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "invoices.read": _read(_FINANCE, _SALES),
        "invoices.write": _DESK,
        "payments.read": _read(_FINANCE, {BANK_FEED}),
        "payments.record": _DESK | {BANK_FEED},
        "payments.apply": _DESK,
        "reconciliations.reopen": frozenset({CONTROLLER, CFO}),
        "settings.read": _read(_FINANCE),
        "settings.write": frozenset({CONTROLLER, CFO}),
        "customers.read": _read(_FINANCE, _SALES, {OPS}),
        "changes.read": _read(_FINANCE, _SALES, {MANAGER}),
        "changes.submit": _FINANCE | _SALES,
        "changes.decide": _APPROVERS,
        "imports.read": _read(_DESK, {MANAGER}),
        "imports.submit": _DESK,
        "imports.decide": _APPROVERS,
        "activities.write": frozenset({AR_MANAGER}) | _SALES,
        "sources.write": frozenset({OPS}),
        "audit.read": _read({CONTROLLER, CFO}),
        "events.read": _read({CONTROLLER, CFO, OPS}),
        "events.use": frozenset({CONTROLLER, CFO, OPS}),
        "exceptions.read": _read({AR_CLERK, AR_MANAGER, CONTROLLER, CFO, OPS}, _SALES),
        "exceptions.read_all": _read({CONTROLLER, CFO, OPS}),
        "exceptions.write": frozenset({AR_CLERK, AR_MANAGER, CONTROLLER, CFO, OPS}) | _SALES,
        "exceptions.write_all": frozenset({CONTROLLER, CFO, OPS}),
    }
)
"""The roles that have each permission, by name; `roles_with` counts those that include one of them."""

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "invoices.read": "read invoices",
        "invoices.write": "create, void and dispute invoices",
        "payments.read": "read payments, statements, journal entries, credits, reconciliations, reports",
        "payments.record": "record payments, upload bank statements",
        "payments.apply": "apply, unapply, reverse, assign payments; spend credits; write off; deductions; reconcile",
        "reconciliations.reopen": "reopen a completed reconciliation",
        "settings.read": "read months, rates, settings, approval policies, master data",
        "settings.write": "change months, rates, settings, approval policies, master data",
        "customers.read": "read customers, their aging, prices, contacts, the 360 view and what it leads to",
        "changes.read": "read customer changes, and approvals of whatever else one may read; the inbox",
        "changes.submit": "submit a customer change, withdraw and resubmit it; withdraw what one has submitted for approval",
        "changes.decide": "decide or delegate a step that asks for one's own role",
        "imports.read": "read imports, their rows and reports",
        "imports.submit": "upload an import; pause, resume, cancel it",
        "imports.decide": "decide an import's step that asks for one's own role",
        "activities.write": "log activities, start opportunities, escalate cases",
        "sources.write": "write source records and source connections",
        "audit.read": "read audit events",
        "events.read": "read the feed of events, webhook endpoints and deliveries",
        "events.use": "keep webhook endpoints, replay deliveries",
        "exceptions.read": "read one's own exceptions",
        "exceptions.read_all": "read everybody's exceptions",
        "exceptions.write": "assign and resolve one's own exceptions",
        "exceptions.write_all": "assign and resolve everybody's exceptions",
    }
)
"""What each permission lets one do. `docs/roles.md` is written from these tables by `make docs`."""


class Reach(StrEnum):
    """How far a write goes: what a token that is limited to some legal entities must cover."""

    ORGANISATION = "organisation"
    """Every legal entity, those to come as well (a closed month, a rate, a policy): not for a limited token."""
    RECORD = "record"
    """The records that path and body name: the operation asks for the legal entity of each."""
    OWN = "own"
    """What is the person's own, such as an absence."""


def with_included(roles: Iterable[str]) -> frozenset[str]:
    """The given roles and those that they include (`ar_manager` includes `manager`)."""
    given = frozenset(roles)
    return given.union(*(_INCLUDES[role] for role in given if role in _INCLUDES))


@lru_cache(maxsize=4096)
def _grants(roles: frozenset[str], permission: str) -> bool:
    """What every request asks several times of few tokens."""
    return not PERMISSIONS[permission].isdisjoint(with_included(roles))


def roles_with(permission: str) -> list[str]:
    """The roles that have the permission, by name or by inclusion, sorted."""
    return sorted(role for role in ROLES if not PERMISSIONS[permission].isdisjoint(with_included({role})))


@dataclass(frozen=True, slots=True)
class Agent:
    """Who acts beside the person: an assistant, by the name that its token says, within these budgets (None: no bound). The
    amount is in `currency_code`, into which all that moves is translated; without one, in each functional currency."""

    name: str
    writes_per_hour: int | None = None
    amount_minor_per_day: int | None = None
    currency_code: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, for which organisation, in which roles, for which legal entities (`None`: all of them).

    `roles` are those of the token; `holds` and `may` also count the roles that they include.
    """

    sub: str
    org_id: str
    roles: frozenset[str]
    entities: frozenset[str] | None = None
    agent: Agent | None = None

    def holds(self, role: str) -> bool:
        """Whether this person holds the role, by name or by inclusion: what a step of an approval asks."""
        return role in with_included(self.roles)

    def may(self, permission: str) -> bool:
        """Whether the role table grants the permission. An unknown permission is a defect: `KeyError`."""
        return _grants(self.roles, permission)

    def sees_entity(self, legal_entity_id: str) -> bool:
        """Whether records of this legal entity are open to the person."""
        return self.entities is None or legal_entity_id in self.entities
