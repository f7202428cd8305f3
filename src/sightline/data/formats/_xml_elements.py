"""XML of a stranger as plain elements that know their line; entities and DTDs are refused.

Without a document type there is nothing to declare an entity in, so nothing can grow (the "billion
laughs") and nothing outside the file can be named.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

_DEEPEST = 64


@dataclass(slots=True)
class Element:
    """A tag without attributes: annotations have none that matter."""

    tag: str
    line: int
    pieces: list[str] = field(default_factory=list)
    children: list["Element"] = field(default_factory=list)

    def all(self, tag: str) -> Iterator["Element"]:
        """The children called ``tag``."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> "Element | None":
        """The first child called ``tag``."""
        return next(self.all(tag), None)

    def value(self, tag: str) -> str:
        """The text of the first child called ``tag``, without blanks around it; empty for none."""
        child = self.first(tag)
        return "" if child is None else "".join(child.pieces).strip()


class XmlRefused(ValueError):
    """Not XML, or XML that is refused; with the line."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def parse_xml(data: bytes) -> Element:
    """The root element. Raises XmlRefused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    top = Element("", 1)
    open_elements = [top]

    def start(tag: str, _attributes: dict[str, str]) -> None:
        if len(open_elements) > _DEEPEST:
            raise XmlRefused(f"elements lie more than {_DEEPEST} deep", parser.CurrentLineNumber)
        element = Element(tag, parser.CurrentLineNumber)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_tag: str) -> None:
        open_elements.pop()

    def text(piece: str) -> None:
        open_elements[-1].pieces.append(piece)

    def refuse(_name: str, _system: str | None, _public: str | None, _has_inner: int) -> None:
        raise XmlRefused("a document type (DTD) and its entities are refused", parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise XmlRefused(f"not XML: {expat.ErrorString(error.code)}", error.lineno) from error
    except (LookupError, UnicodeError) as error:
        raise XmlRefused("in an encoding that is not known", 1) from error
    except XmlRefused:
        raise
    except ValueError as error:
        raise XmlRefused(f"not XML: {error}", max(parser.CurrentLineNumber, 1)) from error
    return top.children[0]
