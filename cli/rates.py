"""`arflow rates`: a file of the European Central Bank, for where nothing can be fetched."""

from pathlib import Path
from typing import Annotated

import typer

from models.cash.rate_files import RatesUnreadable
from models.db.engine import make_engine
from operations.cash.rate_watch import keep_rates
from settings import get_settings
from stack.process import StackError
from stack.runtime import books


def rates(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="eurofxref as XML, CSV or ZIP; daily or history")
    ],
) -> None:
    """Keep the reference rates of a file, for every organisation; what is known already stays as it is."""
    with books(get_settings()) as url:
        engine = make_engine(url, pool_size=1)
        try:
            print(f"{keep_rates(engine, file.read_bytes())} new rates")
        except RatesUnreadable as error:
            raise StackError(f"{file}: {error}") from None
        finally:
            engine.dispose()
