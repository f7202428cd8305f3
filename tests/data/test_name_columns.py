import time

import pytest

from sightline.data.name_columns import columns_from_names
from sightline.errors import DatasetError


def test_named_groups_become_columns() -> None:
    columns, found = columns_from_names(
        r"exp(?P<exp>\d+)_(?P<kind>\w)?", ["a/exp12_n.jpg", "b/exp3_.jpg", "b/x.jpg"]
    )
    assert columns == ("exp", "kind")
    assert found == [("12", "n"), ("3", ""), None]


def test_the_name_alone_unless_the_expression_has_a_slash() -> None:
    _, found = columns_from_names(r"^(?P<first>\w)", ["dir/x.jpg"])
    assert found == [("x",)]
    _, found = columns_from_names(r"^(?P<first>\w+)/", ["dir/x.jpg"])
    assert found == [("dir",)]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("exp(", "not a regular expression"),
        (r"(?P<exp>\d+", "not a regular expression"),
        ("(" * 5_000 + ")" * 5_000, "not a regular expression"),
        (r"exp(\d+)", "no named group"),
        (r"nothing(?P<x>.)", "matches none of 1 names, such as 'a/exp1.jpg'"),
    ],
)
def test_what_gives_no_column_is_one_line(expression: str, words: str) -> None:
    with pytest.raises(DatasetError) as caught:
        columns_from_names(expression, ["a/exp1.jpg"])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_expression_that_never_ends_is_stopped() -> None:
    begin = time.monotonic()
    with pytest.raises(DatasetError, match="still searching"):
        columns_from_names(r"(?P<x>(a+)+)$", ["a" * 60 + "!"], seconds=0.3)
    assert time.monotonic() - begin < 5
