"""Images that cannot be used: all of them are named at once, so that they can be mended at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tf_dlth.errors import UserError, printable

MOST_NAMED = 5

Item = TypeVar("Item")
Result = TypeVar("Result")


class ImageFaults(UserError):
    """The one line for the images of ``names``, the first of which has ``message``."""

    def __init__(self, names: Sequence[str], message: str) -> None:
        self.names, self.message = tuple(names), message
        shown = ", ".join(map(printable, self.names[:MOST_NAMED]))
        more = f" and {len(self.names) - MOST_NAMED} more" if len(self.names) > MOST_NAMED else ""
        several = f"{len(self.names)} images cannot be used: {shown}{more}; " if len(self.names) > 1 else ""
        super().__init__(several + message)


def image_fault(name: str, fault: str, remedy: str = "replace or remove it") -> ImageFaults:
    """The error for one image: ``image NAME FAULT; REMEDY``."""
    return ImageFaults([name], f"image {printable(name)} {printable(fault)}; {remedy}")


def every(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The function of every item, in threads; raises the faults of all items as one."""
    found = attempted(function, items)
    faults = [result for result in found if isinstance(result, ImageFaults)]
    if faults:
        raise joined(faults)
    return [result for result in found if not isinstance(result, ImageFaults)]


def attempted(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result | ImageFaults]:
    """The function of every item, in threads, or the item's fault."""

    def tried(item: Item) -> Result | ImageFaults:
        try:
            return function(item)
        except ImageFaults as fault:
            return fault

    with ThreadPoolExecutor() as threads:
        return list(threads.map(tried, items))


def joined(faults: Sequence[ImageFaults]) -> ImageFaults:
    """Several faults, at least one, as one."""
    return ImageFaults([name for fault in faults for name in fault.names], faults[0].message)
