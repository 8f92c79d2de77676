"""`python -m stack.prepare [soak]`: fetch or build now what tests need, so that no test waits minutes for it."""

import sys

from settings import SettingsError, get_settings
from stack.browser import ensure_browser
from stack.checkers import (
    ensure_faketime,
    ensure_haproxy,
    ensure_helm,
    ensure_oidc_provider,
    ensure_promtool,
    ensure_temporal_server,
)
from stack.part import report
from stack.process import StackError
from stack.temporal import ensure_cli
from stack.time_skipping import ensure_test_server


def main() -> None:
    """Install the Temporal dev server, the time-skipping test server, a browser, promtool and Helm where they are missing;
    for the long proofs (`soak`) HAProxy, an OpenID Connect provider, Temporal's server and libfaketime, too."""
    try:
        settings = get_settings()
        ensure_cli(settings.temporal_cli, report)
        ensure_test_server()
        ensure_browser(report)
        ensure_promtool(report)
        ensure_helm(report)
        if "soak" in sys.argv[1:]:
            ensure_haproxy(report)
            ensure_oidc_provider(report)
            ensure_temporal_server(report)
            ensure_faketime(report)
    except (StackError, SettingsError) as error:
        report(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
