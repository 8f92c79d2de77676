"""YAML files that people write by hand, by PyYAML, with the core schema of YAML 1.2: NO stays Norway, and 007 a text."""

import re
from collections.abc import Hashable
from typing import Any

import yaml


class NotReadable(Exception):
    """The file is no YAML, or says a thing twice; the message names the place."""


class _Core(yaml.SafeLoader):
    """Texts, but for null, true and false, and whole numbers. A name twice in a mapping is refused: the last would win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value]
        if twice := next((key for key, _ in node.value if names.count(key.value) > 1), None):
            raise yaml.MarkedYAMLError(problem=f"{twice.value} is said twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


_Core.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
):
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})$"), _first)


def read(text: str) -> Any:
    """What the file says; JSON is YAML too. Raises NotReadable."""
    try:
        return yaml.load(text, Loader=_Core)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise NotReadable(f"{place}{error.problem}") from None
    except yaml.YAMLError as error:
        raise NotReadable(" ".join(str(error).split())) from None
