"""What generated programs are made of: texts, literals of each type, formats, patterns and places."""

from __future__ import annotations

WORDS = (
    "",
    "a",
    "A",
    "b",
    "Invoice",
    "Total",
    "x y",
    "1,5",
    "ß",
    "SS",
    "\n",
    "K",
    "\u212a",
    ".",
    "..",
    "pdf",
    "a/b",
    "-",
    "é",
    "{",
    '"',
    "\t",
    "ſ",
    "0",
)
MARKS = (" ", "-", "", ",", "a", "ab", "\n", "0", "é")
"""What texts are cut at, joined and padded with."""
HOSTS = ("https://one.example", "https://two.example")
PEOPLE = ("ann@one.example", "bob@two.example")
PATTERNS = (
    "a",
    "[0-9]+",
    "^[a-z]+",
    "(a)|b",
    "x*",
    "[A-Z][a-z]+",
    "a.c",
    "(?:INV|inv)-([0-9]+)",
    "$",
    "\\\\d",
    "b+?",
    "^$",
    "b*$",
    "[^a-z]",
    "é",
)
NUMBERS = (
    "0",
    "1",
    "2",
    "3",
    "0.5",
    "1.50",
    "100",
    "0.001",
    "7",
    "12345678901234567890",
    "0.0",
    "1000",
    "2.675",
    "99999.995",
)
SIZES = ("0 bytes", "1 byte", "3 bytes", "1 kB", "1.5 kB", "2 KiB", "20 MB", "1 GiB", "1 TB", "7 bytes")
DURATIONS = (
    "0 seconds",
    "1 second",
    "90 minutes",
    "3 days",
    "1.5 hours",
    "2 weeks",
    "0.5 seconds",
    "100000 days",
    "1 minute",
)
MONTHS = ("1 month", "3 months", "1 year", "11 months", "0 months", "500 years", "9999 years")
DATES = (
    "2026-03-09",
    "2026-03-09 16:30",
    "2024-02-29",
    "1999-12-31 23:59:59",
    "0001-01-01",
    "9999-12-31",
    "2026-01-31",
    "0999-05-06 07:08",
)
TIMES = ("09:00", "9:05", "23:59:59", "00:00", "12:30:30")
LITERALS = {
    "number": NUMBERS,
    "size": SIZES,
    "duration": DURATIONS,
    "months": MONTHS,
    "date": DATES,
    "time": TIMES,
    "yes/no": ("yes", "no"),
}
FORMATS = {
    "number": ("0", "00", "0.0", "0.00", "0,00", "0,000", "0,000.00", "000.000", "0.000,00", "0 0.0", "0'000", "+0", "+0.0", "0%", "0.0%"), "duration": ("days", "hours", "minutes", "seconds"), "yes/no": ("paid/open", "/", "a b/"), "size": ("bytes", "kB", "MB", "GB", "TB"), "text": ("upper", "lower"),
    "date": ("%Y", "%Y-%m", "%y%m%d", "%d. %B %Y", "%A %H:%M:%S", "%j %V %a %b %%", "%-d.%-m. %q/%G", "%-H %-j"), "time": ("%H:%M", "%H.%M.%S", "%-H"),
}  # fmt: skip
DATED = (
    "2026-03-09",
    "on 09.03.2026 at 12:30",
    "9 March 2026",
    "March 9, 2026",
    "25/12/2026 or 12/25/2026",
    "1/2/2026",
    "3. Mai 2024",
    "31 févr. 2024 1.1.70",
    "05/06/26",
    "2026-13-40 2026-1-2T03:04:05.678",
    "May 12026",
)
FORMS = ("%d/%m/%y", "%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y %H:%M", "%d%d", "%Q", "x%%")
PLACES = ("Europe/Berlin", "UTC", "Asia/Tokyo", "America/New_York", "Nowhere/Land", "Pacific/Apia", "")
COLUMNS = ("A", "B", "Name", "Amount", "A (2)", "Column 3", "Sheet")
SHOWN = (
    "text",
    "number",
    "size",
    "duration",
    "months",
    "date",
    "time",
    "yes/no",
    "list of text",
    "list of number",
    "list of size",
)
ORDERED = ("number", "size", "duration", "date", "time", "text")
FILES_IN = (
    "~/In/*",
    "~/In/**",
    "~/In/*.pdf",
    "~/Out/**",
    "~/Out/*",
    "~/*/*",
    "/srv/**",
    "~/In/[a-b]*",
    "~/In/?.*",
    "~/In/**/*.txt",
    "~/In/[!a]*",
    "/srv/x/*",
)
REAL = ("name", "stem", "extension")
PROPERTIES = {
    "text": (*REAL, "name", "stem", "text", "text", "kind", "hash", "path.name", "path.stem", "folder.name", "modified.weekday", "path.extension"), "size": ("size",), "date": ("modified", "created"), "duration": ("age",),
    "path": ("folder", "path", "folder.folder", "path.folder"), "number": ("modified.year", "modified.week", "age.days", "modified.time.minute", "created.hour", "age.seconds"), "time": ("modified.time",),
}  # fmt: skip
