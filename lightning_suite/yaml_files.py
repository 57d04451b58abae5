"""Read YAML files of options: recipes, ``--config`` files, and the settings of runs, all in one dialect.

``1e-5`` is a number as in YAML 1.2, a date is text, a name may occur once in a mapping, and no tag runs code.
"""

import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FLOAT, TIMESTAMP = "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp"
EXPONENT = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)[eE][-+]?\d+$")


LARGEST = 16 << 20
"""Bytes of a file of options."""

DEEPEST = 100
"""Levels of lists and mappings within each other."""

MOST_VALUES = 1_000_000
"""Values in a file of options, each counted as often as an alias repeats it."""


def read_options(file: Path, edit: Callable[[str], str] = str) -> dict[str, Any]:
    """Return the options of a YAML file by name; an empty file has none.

    Args:
        file: what to read, in UTF-8.
        edit: a function that changes the text before it is parsed.

    Raises:
        OSError: the file cannot be read.
        ValueError: it does not hold options by name; the message begins with the file and the line.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "options.yaml")
        ...     _ = file.write_text("model: {learning_rate: 1e-5}")
        ...     read_options(file)
        {'model': {'learning_rate': 1e-05}}
    """
    import yaml

    try:
        if file.stat().st_size > LARGEST:
            raise ValueError(f"{file}: its {file.stat().st_size} bytes are no file of options")
        loader = _loader()(edit(file.read_text(encoding="utf-8-sig")))
        try:
            node = loader.get_single_node()
            if _is_endless(node):
                grown = f"its aliases make it grow beyond {MOST_VALUES} values"
                raise ValueError(f"{file}: {grown}, or its values lie too deep in each other")
            values = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except RecursionError as error:
        raise ValueError(f"{file}: its values lie too deep in each other") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ValueError(f"{file}{line}: {getattr(error, 'problem', None) or ' '.join(str(error).split())}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ValueError(f"{file}:1: expected options by name, got {type(values).__name__}")
    if strange := [key for key in values if not isinstance(key, str)]:
        raise ValueError(f"{file}: {str(strange[0])!r} is not the name of an option")
    return values


def one_line_yaml(options: Mapping[str, Any]) -> str:
    """Return options as one line of YAML that every dialect reads in the same way: all text is quoted.

    Example:
        >>> one_line_yaml({"rate": 1e-5, "limit": float("inf"), "name": "1e-5"})
        '{"rate": 1.0e-05, "limit": .inf, "name": "1e-5"}'
    """
    import yaml

    text: str = yaml.dump(
        dict(options), Dumper=_quoting_dumper(), default_flow_style=True, sort_keys=False, width=sys.maxsize
    )
    return text.strip()


@cache
def _quoting_dumper() -> Any:
    """Return a dumper that quotes all text; to make one costs more than to dump a number."""
    import yaml

    class QuotingDumper(yaml.SafeDumper):
        def represent_str(self, data: str) -> yaml.ScalarNode:
            return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')

    QuotingDumper.add_representer(str, QuotingDumper.represent_str)
    return QuotingDumper


def _is_endless(node: Any) -> bool:
    """Return whether YAML has more than ``MOST_VALUES`` values with its aliases written out, or is too deep."""
    import yaml

    counts: dict[int, float] = {}

    def count(node: yaml.Node, depth: int) -> float:
        if depth > DEEPEST:
            return float("inf")
        if id(node) not in counts:
            counts[id(node)] = float("inf")  # what contains itself has no end
            if isinstance(node, yaml.MappingNode):
                inside = [part for pair in node.value for part in pair]
            else:
                inside = node.value if isinstance(node, yaml.SequenceNode) else []
            counts[id(node)] = 1 + sum(count(part, depth + 1) for part in inside)
        return counts[id(node)]

    return node is not None and count(node, 0) > MOST_VALUES


@cache
def _loader() -> Any:
    """Return YAML's safe loader, compiled if libyaml is installed, with the rules of this module."""
    import yaml

    class OptionsLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            for key, _ in node.value:
                if names.count(key.value) > 1:
                    problem = f"{key.value!r} stands here twice"
                    raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            return mapping

    OptionsLoader.yaml_implicit_resolvers = {
        first: [resolver for resolver in resolvers if resolver[0] != TIMESTAMP]
        for first, resolvers in OptionsLoader.yaml_implicit_resolvers.items()
    }
    OptionsLoader.add_implicit_resolver(FLOAT, EXPONENT, list("-+.0123456789"))
    return OptionsLoader
