"""The table of what every key decides is that of the code."""

from tools.key_table import PAGE, keys, with_table


def test_the_table_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text, "make key-table"
    assert len(keys()) > 150
