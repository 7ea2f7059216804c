"""What the `#:` comments of a module say, as Sphinx reads them."""

from collections.abc import Mapping
from types import ModuleType

from sphinx.pycode import ModuleAnalyzer


def of_class(kind: type) -> Mapping[str, str]:
    """Of a class and those that it inherits from, by attribute; the nearest counts."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one.__module__.partition(".")[0] in ("api", "core"):
            found |= _of(one.__module__, one.__qualname__)
    return found


def of_module(module: ModuleType) -> Mapping[str, str]:
    """Of its constants, by name."""
    return _of(module.__name__, "")


def _of(module: str, within: str) -> dict[str, str]:
    told = ModuleAnalyzer.for_module(module).find_attr_docs()
    return {name: " ".join(lines).strip() for (where, name), lines in told.items() if where == within}
