"""Pictures of what commands print and write, for docs/images/: ``python docs/screenshots.py``.

The commands are the tutorials' own, run in a new folder for a minute or two; nothing is drawn that was not printed. The
report's page needs Chromium: without it that picture stays as it is, and a line says so.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
COLUMNS = 96
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = (900, 1400)
"""Width and height of the report's first screen, in pixels."""
SVG = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Rich's own, without fonts that it would fetch from elsewhere."""


def main() -> None:
    photographs = blocks("own_photographs")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        for name in ("configs", "saved_tickets"):
            shutil.copytree(ROOT / name, here / name)
        make, _, train, use = photographs[:4]
        ran(make, here)
        draw("train", commands(train), here)
        draw("use", commands(use), here)
        (report, *_) = commands(blocks("report")[0])
        ran(report, here)
        photograph("report", here / "report" / "index.html")


def blocks(tutorial: str) -> list[str]:
    """The shell blocks of a tutorial."""
    return BLOCK.findall((ROOT / "docs" / "tutorials" / f"{tutorial}.md").read_text(encoding="utf-8"))


def commands(block: str) -> list[str]:
    """One each, lines that go on included."""
    return re.sub(r"\\\n *", "", block).strip().splitlines()


def ran(command: str, folder: Path) -> str:
    """What it printed."""
    environment = {
        **os.environ,
        "COLUMNS": str(COLUMNS),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    words = ["bash", "-euc", command]
    return subprocess.run(words, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def draw(name: str, lines: Sequence[str], folder: Path) -> None:
    """The commands and what each printed, as a terminal shows it, in NAME.svg."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False, markup=False, emoji=False)
    for line in lines:
        console.print(f"$ {line}", style="bold")
        console.print("\n".join(row.rstrip() for row in ran(line, folder).splitlines()))
    drawn = console.export_svg(title="tf_dlth", theme=DEFAULT_TERMINAL_THEME, code_format=SVG, unique_id=name)
    keep(f"{name}.svg", drawn.encode())


def photograph(name: str, page: Path) -> None:
    """The first screen of a page in NAME.png."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        print(f"{name}.png stays as it is: Chromium is not installed")
        return
    size = ",".join(map(str, PAGE))
    target = page.with_name("screen.png")
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={size}", f"--screenshot={target}"]
    subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True)
    small = io.BytesIO()
    Image.open(target).convert("RGB").quantize(64).save(small, "PNG", optimize=True)
    keep(f"{name}.png", small.getvalue())


def keep(name: str, content: bytes) -> None:
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / name).write_bytes(content)
    print(f"docs/images/{name}: {len(content) / 1000:,.0f} kB")


if __name__ == "__main__":
    main()
