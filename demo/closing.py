"""What stays when the walk is over: where to look, and a token for each person."""

from demo.context import Demo


def say_where_to_go_on(ctx: Demo) -> None:
    """The addresses and a token per demo person."""
    ctx.tell.chapter("Yours to try")
    for name, url in (
        ("API", ctx.base_url),
        ("API docs", f"{ctx.base_url}/docs"),
        ("Temporal UI", ctx.tell.workflows_url),
    ):
        ctx.tell.console.print(f"  {name:<12} {url}")
    ctx.tell.console.print(f"\n  A token for each person of {ctx.org_id}:")
    for person in ctx.people.values():
        ctx.tell.console.print(f"\n  [bold]{person.user}[/] ({person.title})\n{person.token}")
    clerk = ctx.clerk.token
    ctx.tell.console.print(
        f'\n  For example:\ncurl -H "Authorization: Bearer {clerk}" "{ctx.base_url}/v1/customer-payments?limit=3"'
    )
