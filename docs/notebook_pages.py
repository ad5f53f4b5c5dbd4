"""The committed notebooks become pages of these docs, with the outputs that they have.

Nothing is executed and nothing beyond the standard library is needed: a notebook is JSON. Sphinx
calls `write_pages` before it reads its sources (see `conf.py`); what it writes is not committed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_MARKS = re.compile(r"`{3,}")


def write_pages(notebooks: Path, target: Path) -> list[Path]:
    """Write a page and its pictures for every notebook; what has not changed is left alone."""
    target.mkdir(exist_ok=True)
    pages = []
    for file in sorted(notebooks.glob("*.ipynb")):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        pages.append(target / f"{file.stem}.md")
        _write(pages[-1], page(notebook, file.stem, target).encode())
    return pages


def page(notebook: Mapping[str, Any], name: str, folder: Path) -> str:
    """Return a notebook as Markdown; its pictures go to *folder*, as ``NAME-CELL-OUTPUT.png``."""
    parts = []
    for i, cell in enumerate(notebook["cells"]):
        text = _joined(cell["source"]).strip()
        if cell["cell_type"] != "code":
            parts.append(text)
            continue
        parts.append(_fenced("python", text))
        for j, output in enumerate(cell["outputs"]):
            parts += _shown(output, f"{name}-{i}-{j}.png", folder)
    return "\n\n".join(part for part in parts if part) + "\n"


def _shown(output: Mapping[str, Any], picture: str, folder: Path) -> Iterator[str]:
    """Yield an output in the richest form that a page can have."""
    data = {kind: _joined(value) for kind, value in output.get("data", {}).items()}
    if output["output_type"] == "stream":
        yield _fenced("text", _joined(output["text"]))
    elif "image/png" in data:
        _write(folder / picture, base64.b64decode(data["image/png"]))
        yield f"![What the cell above draws]({picture})"
    elif "text/html" in data:
        yield _fenced("{raw} html", data["text/html"])
    elif "text/plain" in data:
        yield _fenced("text", data["text/plain"])
    else:
        raise ValueError(f"{picture}: no page can show an output of kind {output['output_type']}")


def _fenced(kind: str, text: str) -> str:
    longest = max(map(len, _MARKS.findall(text)), default=2)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{kind}\n{text.rstrip()}\n{fence}"


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _write(file: Path, content: bytes) -> None:
    if not file.exists() or file.read_bytes() != content:
        file.write_bytes(content)
