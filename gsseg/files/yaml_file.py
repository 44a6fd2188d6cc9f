"""YAML from files: plain values only, within bounds; a text of a few lines may otherwise mean gigabytes."""

from pathlib import Path
from typing import Any

import yaml

from gsseg.errors import InputError
from gsseg.files.json_file import DEEPEST, check_plain, read_text
from gsseg.files.reading import check_readable

MOST_BYTES = 1 << 20
"""Of a file; settings take a few kilobytes, and the parser a second for each megabyte."""


class _BoundedLoader(yaml.SafeLoader):
    """PyYAML's safe loader without aliases, which double a value with every line, and without deep nesting."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """A node and all below it."""
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it has an alias (*), which is not read")
        if self._depth > DEEPEST:
            raise ValueError("it is nested too deeply")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def read_yaml_object(path: Path, remedy: str) -> dict[Any, Any]:
    """The table that is a YAML file's value; `InputError` with ``remedy`` where there is none."""
    check_readable(path)
    try:
        value = yaml.load(read_text(path, MOST_BYTES), _BoundedLoader)
        check_plain(value, odd_paths=True)  # of the scene, in settings
    except InputError:
        raise
    except Exception as error:  # besides its own errors PyYAML lets through what odd dates, numbers and tags raise
        raise InputError(path, f"is not YAML that can be read ({error})", remedy) from error
    if not isinstance(value, dict):
        raise InputError(path, "is YAML, but no table of names and values", remedy)
    return value
