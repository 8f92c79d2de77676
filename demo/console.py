"""How the demo speaks: numbered steps, what just happened, where to see it, and claims that are checked."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


class ClaimFailed(Exception):
    """What the demo said is not so. It ends with exit code 1 and this message."""


class Claim:
    """What a step says, checked as it is said."""

    @staticmethod
    def failed(claim: str, found: Any) -> ClaimFailed:
        return ClaimFailed(f"claimed: {claim}\n  found: {found}")


class Narrator:
    """Writes to the terminal. Steps are numbered through the whole demo, whoever walks them."""

    def __init__(self, api_url: str, temporal_ui_url: str, namespace: str, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True, width=_width())
        self._api_url = api_url
        self.workflows_url = f"{temporal_ui_url}/namespaces/{namespace}/workflows"
        self._number = 0

    def chapter(self, title: str) -> None:
        """A new part of the demo."""
        self.console.print()
        self.console.rule(f"[bold]{title}", align="left")

    def step(self, title: str) -> None:
        """The next numbered step; `title` says what a person does."""
        self._number += 1
        self.console.print(f"\n[bold cyan]{self._number:>2}[/]  [bold]{title}[/]")

    def happened(self, text: str) -> None:
        """What just happened, in a sentence."""
        self.console.print(f"      {text}")

    def quoted(self, label: str, text: str) -> None:
        """What somebody else said, to the letter."""
        self.console.print(f"      [dim]{label:<10}[/]{escape(text)}")

    def ends_here(self, failure: Exception) -> None:
        """The demo cannot go on."""
        said = getattr(failure, "stderr", None) or ""
        self.console.print(f"\n[bold red]The demo ends here.[/] {escape(f'{failure}{chr(10)}{said}')}")

    def see(self, path: str) -> None:
        """Where in the API to see it."""
        self.console.print(f"      [dim]API       {self._api_url}{path}[/]")

    def see_run(self, workflow_id: str | None) -> None:
        """Where in the Temporal UI to see the process that did it; nothing where no process did."""
        if workflow_id:
            self.console.print(f"      [dim]Temporal  {self.run_url(workflow_id)}[/]")

    def run_url(self, workflow_id: str) -> str:
        """The page of a run in the Temporal UI."""
        return f"{self.workflows_url}/{quote(workflow_id, safe='')}"

    def claim(self, text: str, holds: bool, found: Any = "it does not hold") -> None:
        """Say `text` where it holds; ClaimFailed with what was found instead where it does not."""
        self.require(text, holds, found)
        self.console.print(f"    [green]✓[/] {text}")

    def require(self, text: str, holds: bool, found: Any = "it does not hold") -> None:
        """As `claim`, said only where it does not hold: for what goes without saying."""
        if not holds:
            raise Claim.failed(text, found)

    def same(self, text: str, found: Any, expected: Any) -> None:
        """Say `text` where the two are equal."""
        self.claim(text, found == expected, f"{found!r} instead of {expected!r}")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table; columns whose cells all end in a digit, other than the first, stand to the right."""
        cells = list(rows)
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        for n, name in enumerate(columns):
            numeric = n > 0 and all(row[n][-1:].isdigit() for row in cells)
            table.add_column(name, no_wrap=True, justify="right" if numeric else "left")
        for row in cells:
            table.add_row(*row)
        self.console.print(Padding(table, (0, 0, 0, 6)))

    def progress(self) -> Progress:
        """A progress display to use as a context manager."""
        return Progress(
            TextColumn("      {task.description:<24}"),
            BarColumn(30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
        )


def _width() -> int | None:
    """The terminal's; into a file or a pipe, wide enough for the tables."""
    return None if sys.stdout.isatty() else 120
