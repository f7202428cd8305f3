"""SVG elements that are safe by construction: whatever is not markup already is escaped."""

from markupsafe import Markup

from sightline.report.wording import shown


def element(tag: str, *inside: Markup | str, **attributes: float | str) -> Markup:
    """``<tag attributes>inside</tag>``.

    An attribute's trailing underscore is dropped and its inner ones become hyphens (``class_``,
    ``text_anchor``); numbers are written to a hundredth.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(_attribute(name), _written(value)) for name, value in attributes.items()
    )
    content = Markup("").join(part if isinstance(part, Markup) else shown(part) for part in inside)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, content)


def line(kind: str, start: tuple[float, float], end: tuple[float, float]) -> Markup:
    """A straight line between two points, styled by class ``kind``."""
    return element("line", class_=kind, x1=start[0], y1=start[1], x2=end[0], y2=end[1])


def rectangle(kind: str, corner: tuple[float, float], width: float, height: float) -> Markup:
    """A rectangle from its upper left corner, styled by class ``kind``; a negative side counts as 0."""
    x, y = corner
    return element("rect", class_=kind, x=x, y=y, width=max(0.0, width), height=max(0.0, height))


def words(text: str, at: tuple[float, float], anchor: str = "middle", kind: str = "tick") -> Markup:
    """A line of text whose ``anchor`` (start, middle, end) is ``at``."""
    return element("text", text, class_=kind, x=at[0], y=at[1], text_anchor=anchor)


def picture(kind: str, title: str, size: tuple[float, float], *inside: Markup) -> Markup:
    """The whole drawing; ``title`` is what a screen reader says."""
    box = f"0 0 {size[0]:g} {size[1]:g}"
    return element("svg", *inside, class_=kind, viewBox=box, role="img", aria_label=title)


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _written(value: float | str) -> str:
    return shown(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
