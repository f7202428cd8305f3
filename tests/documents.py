"""Pages for users, read as a program reads them: fenced snippets, links, plugin lists, named commands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
PAGES = [ROOT / "README.md", *HOW_TO]
"""The pages whose snippets are run."""

_FENCE = re.compile(r"^```(\S*)[ ]?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PLUGINS = re.compile(r"^<!-- plugins: (\S+) -->\n+(.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^(?:\| |- )`([^`]+)`", re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console snippet, and the lines that the page shows under it."""

    text: str
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snippet:
    """One fenced snippet: its language, and what the fence says after it.

    ``no-run`` or ``no-run: REASON`` leaves it out of the run, ``file=PATH`` is written to that file.
    """

    page: Path
    line: int
    language: str
    info: str
    text: str

    @property
    def runs(self) -> bool:
        """Whether it is run; what it is a file of is written instead."""
        return self.language in {"console", "python"} and not self.info.startswith(("no-run", "file="))

    @property
    def file(self) -> str:
        """The file that it is the content of, or nothing."""
        return self.info.removeprefix("file=") if self.info.startswith("file=") else ""

    def commands(self) -> Iterator[Command]:
        """The commands of a console snippet: lines after ``$ ``, or all where no line has that.

        A command goes on after a backslash, and ends at a comment.
        """
        joined = re.sub(r"\s+# .*", "", self.text.replace("\\\n", ""))
        if "$ " not in joined:
            joined = re.sub(r"^(?=\S)", "$ ", joined, flags=re.MULTILINE)
        for part in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]:
            text, *shown = part.splitlines()
            yield Command(re.sub(r"\s{2,}", " ", text.strip()), tuple(line for line in shown if line.strip()))


def snippets(page: Path) -> list[Snippet]:
    """All fenced snippets of a page, in order."""
    text = page.read_text()
    return [
        Snippet(page, text.count("\n", 0, found.start()) + 1, found[1], found[2].strip(), found[3])
        for found in _FENCE.finditer(text)
    ]


def links(page: Path) -> list[str]:
    """Where the page's links lead, snippets left out."""
    return _LINK.findall(_FENCE.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to."""
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def plugin_lists(page: Path) -> list[tuple[str, list[str]]]:
    """The lists after ``<!-- plugins: FOLDER -->``: the folder, and the names that rows begin with."""
    return [(found[1], _ROW.findall(found[2])) for found in _PLUGINS.finditer(page.read_text())]


def spans(page: Path) -> list[str]:
    """Code spans of the running text."""
    return _SPAN.findall(_FENCE.sub("", page.read_text()))
