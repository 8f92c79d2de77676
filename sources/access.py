"""What the operator lets the connections of organisations use: credentials, each of one organisation, and hosts."""

from collections.abc import Callable
from dataclasses import dataclass

from models.outgoing import Hosts
from sources.registry import hosts_of


def _no_secret(_org_id: str, _name: str) -> str | None:
    return None


@dataclass(frozen=True)
class Access:
    """`secret` answers what the name of an organisation's credential stands for, by the organisation's id and the name.
    `source_hosts` is the operator's setting; `local`: this machine may be asked where it is silent."""

    secret: Callable[[str, str], str | None] = _no_secret
    source_hosts: str | None = None
    local: bool = False

    def credential(self, org_id: str, name: str | None) -> str | None:
        """The credential of this name, if the organisation has it."""
        return self.secret(org_id, name) if name else None

    def hosts(self, kind: str) -> Hosts:
        """Where connections of this kind may lead."""
        return hosts_of(kind, self.source_hosts, local=self.local)
