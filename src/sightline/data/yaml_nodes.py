"""YAML of a stranger as texts, lists and mappings that know their line.

Nothing is constructed: every scalar is the text that stands there, so no tag can run anything and no
``no`` becomes False. Aliases, with which a few lines can stand for billions, and tags are refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

_DEEPEST = 16


@dataclass(slots=True)
class Scalar:
    """A text, and its line from 1."""

    line: int
    text: str


@dataclass(slots=True)
class Listing:
    """``[a, b]``."""

    line: int
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """``{a: b}``, keys as text."""

    line: int
    items: dict[str, "Node"] = field(default_factory=dict)


Node = Scalar | Listing | Mapping


class YamlRefused(ValueError):
    """Not YAML, or YAML that is refused; with the line."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def parse_yaml(text: str) -> Node:
    """The first document. Raises YamlRefused."""
    try:
        events = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        top = _first(events)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlRefused(f"not YAML: {error.problem}", line) from error
    except yaml.YAMLError as error:
        raise YamlRefused("not YAML: it has characters that YAML does not allow", 1) from error
    return top


def _first(events: Iterator[yaml.Event]) -> Node:
    """Built without recursion, with a stack of what is open and the keys that wait for their value."""
    holder = Listing(1)
    stack: list[Listing | Mapping] = [holder]
    keys: list[str | None] = [None]
    for event in events:
        if isinstance(event, yaml.DocumentEndEvent | yaml.StreamEndEvent):
            break
        if isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
            keys.pop()
            continue
        node = _node(event)
        keys[-1] = _placed(stack[-1], keys[-1], node)
        if not isinstance(node, Scalar):
            if len(stack) > _DEEPEST:
                raise YamlRefused(f"values lie more than {_DEEPEST} deep", node.line)
            stack.append(node)
            keys.append(None)
    return holder.items[0] if holder.items else Mapping(1)


def _node(event: yaml.Event) -> Node:
    line = event.start_mark.line + 1 if event.start_mark else 1
    if isinstance(event, yaml.AliasEvent):
        raise YamlRefused("aliases (*name) are refused", line)
    if not isinstance(event, yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent):
        raise YamlRefused("not YAML that is understood", line)
    if event.tag is not None and event.tag != "!":
        raise YamlRefused("tags (!name) are refused", line)
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(line, event.value)
    return Mapping(line) if isinstance(event, yaml.MappingStartEvent) else Listing(line)


def _placed(parent: Listing | Mapping, key: str | None, node: Node) -> str | None:
    """Put a node where it belongs; the key that then waits for its value."""
    if isinstance(parent, Listing):
        parent.items.append(node)
        return None
    if key is not None:
        parent.items[key] = node
        return None
    if not isinstance(node, Scalar):
        raise YamlRefused("a key must be a text", node.line)
    if node.text in parent.items:
        raise YamlRefused(f"the key {node.text[:60]!r} is there twice", node.line)
    return node.text
