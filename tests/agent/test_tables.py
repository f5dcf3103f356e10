"""Tables: read from whatever office programs write, written so that nothing in them is executed, undone like all else."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.engine.encoding import decode, encode
from klapp.engine.tester import run_tests
from klapp.properties.texts import READER
from klapp.sandbox import Failed
from klapp.tables.delimited import DELIMITERS, Form, NoTable, cells_of, form_of, harmless, written
from klapp.tables.reading import sheets_of, table_of
from klapp.tables.workbooks import workbook
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from klr.rows import TableValue
from tests.agent.house import House, reports

CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"), max_size=8)
NAMES = st.lists(
    st.text("abcAB", min_size=1, max_size=5).map(str.strip).filter(bool), min_size=2, max_size=4, unique=True
)


@given(NAMES, st.data(), st.sampled_from(DELIMITERS), st.sampled_from(("utf-8-sig", "utf-8", "utf-16")))
def test_what_is_written_is_read_back(names: list[str], data: st.DataObject, sign: str, encoding: str) -> None:
    rows = data.draw(
        st.lists(
            st.lists(CELLS.filter(lambda c: c.strip() and "sep=" not in c), min_size=len(names), max_size=len(names)),
            min_size=1,
            max_size=4,
        )
    )
    form = Form(encoding, sign)
    found = table_of(cells_of(written(names, rows, form)))
    plain = [row for row in rows if not any(set(cell) & set(DELIMITERS) for cell in row)]
    if plain == rows:  # delimiters within cells could make another sign look right
        assert found.columns == tuple(names)
        assert [list(row.cells) for row in found] == [list(map(harmless, row)) for row in rows]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_none(data: bytes) -> None:
    try:
        table = table_of(cells_of(data))
    except NoTable:
        return
    assert all(len(row.cells) == len(table.columns) for row in table)
    assert len(set(table.columns)) == len(table.columns)
    assert decode(json.loads(json.dumps(encode(table)))) == table


@given(st.text(max_size=30))
def test_no_cell_is_a_formula(text: str) -> None:
    cell = harmless(text)
    assert not cell.startswith(("=", "@", "\t", "\r"))
    if cell[:1] in "+-" and cell:
        assert any(character.isdigit() for character in cell)
        assert not any(character.isalpha() or character in "()!|\"'" for character in cell)


@pytest.mark.parametrize(
    ("data", "form", "columns"),
    [
        ("Name;Betrag\nMüller;1,50\nB;2,00\n".encode("cp1252"), Form("cp1252", ";", "\n"), ("Name", "Betrag")),
        (b"a,b\r\n1,2\r\n", Form("utf-8", ",", "\r\n"), ("a", "b")),
        (b"\xef\xbb\xbfa\tb\n1\t2\n", Form("utf-8-sig", "\t", "\n"), ("a", "b")),
        (b'sep=;\n"a,b";c\n1;2\n', Form("utf-8", ";", "\n"), ("a,b", "c")),
        ("a|b\n1|2\n".encode("utf-16"), Form("utf-16", "|", "\n"), ("a", "b")),
        (b'"a, b","c;d"\n"1,0","2;3"\n', Form("utf-8", ",", "\n"), ("a, b", "c;d")),
        (b"a,,a\n1,2,3,4\n", Form("utf-8", ",", "\n"), ("a", "Column 2", "a (2)", "Column 4")),
        (b"", Form("utf-8", ",", "\n"), ()),
    ],
)
def test_forms_are_found_out(data: bytes, form: Form, columns: tuple[str, ...]) -> None:
    assert form_of(data) == form
    assert table_of(cells_of(data)).columns == columns


def test_a_workbook_is_read_in_the_sandbox() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Supplier", "Amount", "Paid on", "Done"])
    sheet.append(["Acme", 12.5, date(2026, 3, 9), True])
    sheet.append(["=1+1", 0.1 + 0.2, datetime(2026, 3, 9, 16, 30), None])
    sink = io.BytesIO()
    book.save(sink)
    cells = READER.cells(sink.getvalue())
    assert cells[0] == ["Supplier", "Amount", "Paid on", "Done"]
    assert cells[1] == ["Acme", "12.5", "2026-03-09", "yes"]
    assert cells[2][1:3] == ["0.3", "2026-03-09 16:30:00"]


BOOK = """coworker "Books"
may read "~/In/*"
may notify
when asked
  for each row in sheets in "~/In/book.xlsx" where it."Sheet" is "Invoices"
    notify "{row."Supplier"} {row."Amount"} {row."Paid"}"
  end
  notify "{count of (sheets in "~/In/book.xlsx")} {(sheets in "~/In/a.csv").columns}"
end
"""


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = "Paid"
    for row in (["Supplier", "Paid"], ["Acme", "yes"]):
        first.append(row)
    second = book.create_sheet("Invoices")
    for row in (["Amount", "Supplier", "Sheet"], [12.5, "Globex", 1], [3, "Acme", 2]):
        second.append(row)
    sink = io.BytesIO()
    book.save(sink)
    table = sheets_of(READER.cells(sink.getvalue(), every=True))
    assert table.columns == ("Sheet", "Supplier", "Paid", "Amount", "Sheet (2)")
    assert [row.cells for row in table] == [
        ("Paid", "Acme", "yes", "", ""),
        ("Invoices", "Globex", "", "12.5", "1"),
        ("Invoices", "Acme", "", "3", "2"),
    ]
    house = House(tmp_path / "house")
    house.file("In/book.xlsx", sink.getvalue())
    house.file("In/a.csv", b"A,B\n1,2\n")
    house.coworker(BOOK)
    with house.agent() as agent:
        agent.approve("one")
        (done,) = reports(agent.run("one"))
    assert (done["outcome"], done["reason"]) == ("done", "")
    assert [text for _, text in house.told.notices] == ["Globex 12.5 ", "Acme 3 ", "3 Sheet, A, B"]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nonsense", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600])
def test_a_broken_workbook_is_told(data: bytes) -> None:
    with pytest.raises(Failed, match="can not be read"):
        READER.cells(data)


def test_a_written_workbook_holds_no_formula_and_is_always_the_same() -> None:
    rows = [["=cmd|'/C calc'!A0", "-5", "007"], ["http://x.example", "1234567890123456789", "1.50"]]
    data = workbook(["a", "b", "c"], rows)
    assert data == workbook(["a", "b", "c"], rows)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    found = [[(cell.data_type, cell.value) for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert found == [
        [("s", "=cmd|'/C calc'!A0"), ("n", -5), ("s", "007")],
        [("s", "http://x.example"), ("s", "1234567890123456789"), ("n", 1.5)],
    ]


COWORKER = """coworker "Ledger"
may read "~/In/*", "~/Ledger/*"
may write "~/Ledger/*"
may notify

when file arrives in "~/In" named "*.csv"
  let large = file.table where (number in it."Amount" default 0) > 10
  for each group in large grouped by it."Supplier"
    let total = sum of numbers in group.rows."Amount" default 0
    append row ["Total": total, "Supplier": group.key, "Note": "=1+1"] to "~/Ledger/totals.csv"
  end
  write table (large sorted by it."Supplier" descending) to "~/Ledger/large.csv" with ";"
  notify "{count of large} of {count of file.table}, {average of numbers in large."Amount" default 0}, {unique of large."Supplier"}"
end

when asked
  notify "{(table in "~/Ledger/totals.csv")."Supplier"}"
  notify "{(table in "~/Ledger/totals.csv")."Suplier"}"
end

test "totals"
  given file "~/In/a.csv" with text "Supplier;Amount\\nAcme;20,50\\nGlobex;5\\nAcme;30\\nBond;11"
  when file arrives "~/In/a.csv"
  expect file "~/Ledger/totals.csv" with text "Total,Supplier,Note\\n50.50,Acme,'=1+1\\n11,Bond,'=1+1\\n"
  expect file "~/Ledger/large.csv" with text "Supplier;Amount\\nBond;11\\nAcme;20,50\\nAcme;30\\n"
  expect notice "3 of 4, 20.50, Acme, Bond"
end

test "a column that is not there"
  given file "~/Ledger/totals.csv" with text "Supplier,Total\\nAcme,1"
  when asked
  expect notice "Acme"
  expect failure "There is no column \\"Suplier\\". There are: \\"Supplier\\", \\"Total\\"."
end
"""


def test_a_coworker_with_tables() -> None:
    loaded = load(COWORKER, VOCABULARY)
    assert [found.message for found in loaded.diagnostics] == []
    assert loaded.program is not None
    assert [result.failures for result in run_tests(loaded.program, VOCABULARY)] == [(), ()]


def test_rows_are_added_in_the_form_of_the_file_and_taken_back(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.coworker(COWORKER)
    arrived = house.file("In/a.csv", "Supplier;Amount\nMüller;20\n".encode("cp1252"))
    ledger = house.file("Ledger/totals.csv", "Supplier;Note;Total\r\nAlt;ü;1".encode("cp1252"))
    before = house.tree()
    with house.agent() as agent:
        agent.approve("Ledger")
        reports = [item["report"] for item in agent.run("Ledger", [str(arrived)]) if item.get("report")]
        assert [(report["outcome"], report["reason"]) for report in reports] == [("done", "")]
        assert ledger.read_bytes() == "Supplier;Note;Total\r\nAlt;ü;1\r\nMüller;'=1+1;20\r\n".encode("cp1252")
        with (house.person / "Ledger/large.csv").open(encoding="utf-8-sig", newline="") as file:
            assert list(csv.reader(file, delimiter=";")) == [["Supplier", "Amount"], ["Müller", "20"]]
        number = reports[0]["run"]
        assert agent.replay(number) == []
        assert agent.explain(number)["steps"]
        agent.undo([number])
    assert house.tree() == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('append row ["a": 1, "a": 2] to "~/Ledger/a.csv"', "K206"),
        ('append row ["{now}": 1] to "~/Ledger/a.csv"', "K309"),
        ('append row [1, 2] to "~/Ledger/a.csv"', "K301"),
        ('append row ["a": 1] to "~/Elsewhere/a.csv"', "K401"),
        ('notify "{table in "~/Elsewhere/a.csv"}"', "K304"),
        ('notify "{count of table in "~/Elsewhere/a.csv"}"', "K401"),
        ('notify (now."a")', "K204"),
        ('notify "{(first of table in "~/In/a.csv")."a"}"', "K303"),
        ('for each g in [1, 2] grouped by it\n notify "{g.rows}"\nend', "K204"),
        ('notify "{count of table in 5}"', "K301"),
    ],
)
def test_mistakes_with_tables_are_told(body: str, code: str) -> None:
    text = (
        f'coworker "x"\nmay read "~/In/*", "~/Ledger/*"\nmay write "~/Ledger/*"\nmay notify\nwhen asked\n{body}\nend\n'
    )
    assert code in [found.code for found in load(text, VOCABULARY).errors]


def test_some_rows_of_a_table_are_a_table() -> None:
    from klr.rows import like

    table = TableValue.of(("a",), [["1"], ["2"]])
    assert isinstance(like(table, table[:1]), TableValue)
    assert like(table, ()).columns == ("a",)  # type: ignore[attr-defined]


def test_files_in_groups_stay_where_the_proof_knows_them() -> None:
    body = 'for each g in files in "~/In/*" grouped by it.extension\n  for each f in g.files\n    move f to "~/Ledger/"\n  end\nend'
    head = 'coworker "x"\nmay read "~/In/*"\nmay write "~/Ledger/*"\n'
    assert load(f'{head}may remove "~/In/*"\nwhen asked\n{body}\nend\n', VOCABULARY).diagnostics == ()
    assert [f.code for f in load(f'{head}may remove "~/Out/*"\nwhen asked\n{body}\nend\n', VOCABULARY).errors] == [
        "K401"
    ]


def test_no_row_of_a_table_still_has_its_columns(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.file("In/t.csv", b"A,B\n1,2\n")
    body = 'write table file.table where it."A" is "9" to "~/In/none.txt"'
    house.coworker(f'coworker "x"\nmay read "~/In/*"\nmay write "~/In/*"\nwhen file arrives in "~/In"\n{body}\nend\n')
    with house.agent() as agent:
        agent.approve("one")
        assert [item["report"]["outcome"] for item in agent.run("one") if "report" in item] == ["done"]
    assert (house.person / "In/none.txt").read_bytes() == "\ufeffA,B\n".encode()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_row_is_added_in_the_byte_order_of_its_file(encoding: str, tmp_path: Path) -> None:
    house = House(tmp_path)
    place = house.file("In/t.csv", "\ufeffA,B\n1,2\n".encode(encoding))
    body = 'append row ["B": "x"] to "~/In/t.csv"'
    house.coworker(f'coworker "x"\nmay read "~/In/*"\nmay write "~/In/*"\nwhen asked\n{body}\nend\n')
    with house.agent() as agent:
        agent.approve("one")
        list(agent.run("one"))
    assert place.read_bytes().decode(encoding) == "\ufeffA,B\n1,2\n,x\n"


def test_a_line_break_of_any_kind_stays_within_its_cell() -> None:
    assert [list(row.cells) for row in table_of(cells_of(written(["A", "B"], [["a\rb", "c"]], Form())))] == [
        ["a\rb", "c"]
    ]
