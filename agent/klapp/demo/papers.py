"""The papers of the demonstration: real PDFs, a spreadsheet, a picture and texts, under names as people give them."""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

MARCH, APRIL, MAY = datetime(2026, 3, 9, 10, 15), datetime(2026, 4, 2, 8, 0), datetime(2026, 5, 21, 17, 40)


def make_papers(folder: Path) -> list[Path]:
    """Write the papers into a folder that is there; returns their paths. Their dates are fixed."""
    papers: list[tuple[str | bytes, bytes, datetime]] = [
        ("march.pdf", pdf(["Acme Ltd.", "Invoice 2026-0312", "Total 120.00 EUR"]), MARCH),
        ("Globex invoice (final).pdf", pdf(["Globex Corporation", "Invoice G-77", "Total 2,450.00 USD"]), APRIL),
        ("Rechnung Müller & Söhne.pdf", pdf(["Müller & Söhne OHG", "Rechnung Nr. 9", "Total 1.234,50 EUR"]), APRIL),
        ("-rf invoice.pdf", pdf(["Acme Ltd.", "Invoice 2026-0401", "Total 60.00 EUR"]), MAY),
        ("invoice\nwith a line break.pdf", pdf(["Initech", "Invoice 1", "Total 15.00 EUR"]), MAY),
        (
            "letter \N{PILE OF POO} to 'the' \"practice\".pdf",
            pdf(["Dear Dr. Example,", "thank you for your report."]),
            MARCH,
        ),
        ("Brief an die Praxis.txt", "Sehr geehrte Frau Doktor,\nvielen Dank für Ihren Bericht.\n".encode(), MARCH),
        ("old notes.txt", "Größe, Maße, Straße: geschrieben unter Windows.\r\n".encode("cp1252"), APRIL),
        ("hours.csv", b"day;hours\n2026-05-20;7.5\n2026-05-21;8\n", MAY),
        ("Budget 2026.xlsx", spreadsheet([("rent", 900), ("paper", 35), ("coffee", 210)]), MAY),
        ("scan " + "0123456789" * 20 + ".png", png(48, 32), APRIL),
        ("mystery.bin", bytes(range(256)) * 4, APRIL),
    ]
    if sys.platform.startswith("linux"):
        papers.append(
            (b"Acme r\xe9sum\xe9 invoice.pdf", pdf(["Acme Ltd.", "Invoice 2026-0555", "Total 5.00 EUR"]), MAY)
        )
    return [_write(folder, name, content, moment) for name, content, moment in papers]


def _write(folder: Path, name: str | bytes, content: bytes, moment: datetime) -> Path:
    path = folder / os.fsdecode(name)
    path.write_bytes(content)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def pdf(lines: Sequence[str]) -> bytes:
    """A PDF of one page with these lines, in Helvetica and Windows' Western encoding (ISO 32000-1, 7.5 and 9.6)."""
    shown = b"".join(b"(%s) Tj T*\n" % _escaped(line) for line in lines)
    content = b"BT /F1 14 Tf 18 TL 72 740 Td\n" + shown + b"ET\n"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%sendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % place for place in places)
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table))
    return out.getvalue()


def _escaped(line: str) -> bytes:
    return line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def spreadsheet(rows: Sequence[tuple[str, int]]) -> bytes:
    """An Office Open XML workbook with one sheet of two columns (ECMA-376, part 1)."""
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    cells = "".join(
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>{name}</t></is></c><c r="B{n}"><v>{value}</v></c></row>'
        for n, (name, value) in enumerate(rows, 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">'
        '<sheets><sheet name="Budget" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as container:
        for name, text in parts.items():
            container.writestr(zipfile.ZipInfo(name), head + text)
    return out.getvalue()


def png(width: int, height: int) -> bytes:
    """A picture with a colour gradient (PNG, ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes(value for x in range(width) for value in (x * 255 // width, y * 255 // height, 128))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
