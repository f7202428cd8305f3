import pytest

from sightline.errors import InputError
from sightline.registry.references import Reference, check_name, parse_reference


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("boards", Reference("boards")),
        ("boards@12", Reference("boards", version=12)),
        ("b.o-a_1:candidate", Reference("b.o-a_1", stage="candidate")),
        ("boards:archived", Reference("boards", stage="archived")),
    ],
)
def test_the_three_forms(text: str, wanted: Reference) -> None:
    assert parse_reference(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "@1", "boards@", "boards@0", "boards@01", "boards@-1", "boards@1 ", "boards@1:production", "boards:",
     "boards:best", "a:b:candidate", "boards@1111111111", "boards@١", "Boards", "../boards", "boards\n"],
)  # fmt: skip
def test_other_forms_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_reference(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", ".hidden", "-rf", "a" * 65, "é", "a b", "a@b", "a\0"])
def test_a_name_must_be_fit_for_files_and_references(name: str) -> None:
    with pytest.raises(InputError, match="a model's name has"):
        check_name(name)
    assert check_name("0" * 64) == "0" * 64
