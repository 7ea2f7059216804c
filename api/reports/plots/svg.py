"""A figure as SVG that stands inside a page: no header, no ids but those it refers to, no size of its own."""

import io
import re
from xml.etree import ElementTree as ET

from matplotlib.figure import Figure

_XLINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element. `name` is read aloud instead of it, and sets its ids apart from others'."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ET.fromstring(file.getvalue())  # noqa: S314  # matplotlib wrote it just now
    for parent in list(root.iter()):
        for child in [one for one in parent if _local(one.tag) in {"metadata", "style"}]:
            parent.remove(child)
    wanted = {found for element in root.iter() for found in _references(element)}
    prefix = re.sub(r"\W+", "-", name).strip("-").lower()
    for element in root.iter():
        element.tag = _local(element.tag)
        _clean(element, wanted, prefix)
    size = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update({"viewBox": size, "role": "img", "aria-label": name})
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element, wanted: set[str], prefix: str) -> None:
    """Keep an id only where something refers to it, under the prefix; write references as SVG 2 does."""
    if (identity := element.attrib.pop("id", None)) in wanted:
        element.set("id", f"{prefix}-{identity}")
    if (target := element.attrib.pop(_XLINK, None)) is not None:
        element.set("href", f"#{prefix}-{target.removeprefix('#')}")
    for name, value in element.attrib.items():
        element.set(name, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))


def _references(element: ET.Element) -> list[str]:
    direct = [element.get(_XLINK, "").removeprefix("#")]
    return direct + [found for value in element.attrib.values() for found in _REFERENCE.findall(value)]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
