"""The process of an approval, by whose id it is known. What travels to it is what travels to a change's: ids, steps, roles."""

PROCESS = "ObtainApproval"


def approval_workflow_id(approval_id: str) -> str:
    """One process per approval, from its request to its end."""
    return f"{approval_id}/{PROCESS}"
