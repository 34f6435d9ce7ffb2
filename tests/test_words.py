"""What is defined is named in the field's words."""

from __future__ import annotations

from tools import words


def test_no_identifier_is_a_metaphor(capsys):
    try:
        words.main()
    except SystemExit as done:
        assert done.code == 0, capsys.readouterr().out


def test_metaphors_are_found_in_whatever_is_defined():
    source = "class TeachRoom:\n    def f(self, most): self.settle_s = 1\nLEAST = almost = 2\n"
    found = [(name, word) for _, name, word in words.faults(source)]
    assert found == [
        ("TeachRoom", "teach"),
        ("TeachRoom", "room"),
        ("most", "most"),
        ("settle_s", "settle"),
        ("LEAST", "least"),
    ]
