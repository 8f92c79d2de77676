"""docs/operations.md tells what the newest trial of the production shape measured, and nothing else."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (
    (ROOT / "docs" / "operations.md")
    .read_text()
    .partition("## What a fault costs whoever waits")[2]
    .partition("\n## ")[0]
)
SAID = json.loads((ROOT / "bench" / "results" / "trial.json").read_text())


def test_the_table_is_what_was_measured_last() -> None:
    measured = {name: f"{seconds:.1f} s" for name, seconds in SAID["longest_wait_around"].items()}
    assert dict(re.findall(r"^\| ([^|]+) \| (\d+\.\d s) \|$", PAGE, re.MULTILINE)) == measured


def test_the_text_is_what_was_measured_last() -> None:
    text = " ".join(PAGE.split())
    assert f"{SAID['payments']:,} payments" in text
    assert f"took {SAID['p50']:.1f} s, 99 of 100 less than {SAID['p99'] + 0.05:.1f} s" in text
    assert f"{SAID['payments_sent_again_after_it']} payments were sent again" in text
    assert f"stopped for {SAID['stopped_for_the_restore']:.0f} s" in text
    assert SAID["longest"] < 10
    assert SAID["refused_reads"] == []
