"""An SVG file as a part of an HTML page that has others."""

from __future__ import annotations

import re
from xml.etree import ElementTree

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
REFERENCE = re.compile(r"url\(#([^)]+)\)")
LEAST = 0.62
"""Of a drawing's own width: below that its letters are too small to read, and it scrolls."""
LEFT_OUT = {f"{{{SVG}}}metadata", f"{{{SVG}}}style"}
"""Metadata names addresses; a style would be the whole page's (what Matplotlib states there is in style.css)."""


def inline(svg: bytes, prefix: str, alt: str) -> str:
    """The element ``svg`` of a file that Matplotlib wrote: as wide as there is room, neither larger nor much smaller.

    Ids begin with ``prefix``, as ids of two drawings are often equal. Comments are left out.
    """
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in LEFT_OUT]:
            parent.remove(child)
        for key, value in parent.attrib.items():
            parent.set(key, _prefixed(key, value, prefix))
    for definitions in [child for child in root if child.tag == f"{{{SVG}}}defs" and len(child) == 0]:
        root.remove(definitions)
    width = float(root.attrib.pop("width").removesuffix("pt"))
    root.attrib.pop("height")
    root.attrib.pop("version", None)
    root.attrib |= {
        "role": "img",
        "aria-label": alt,
        "style": f"max-width: {width:g}pt; min-width: {LEAST * width:g}pt",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _prefixed(key: str, value: str, prefix: str) -> str:
    if key == "id":
        return prefix + value
    if key in ("href", f"{{{XLINK}}}href") and value.startswith("#"):
        return f"#{prefix}{value[1:]}"
    return REFERENCE.sub(lambda found: f"url(#{prefix}{found[1]})", value)
