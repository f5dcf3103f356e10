"""Random texts of coworkers: everything the grammar allows, oddly spaced and commented, for properties."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = st.sampled_from(("file", "total", "größe", "x", "suppliers", "it", "now", "名前"))
SPACE = st.sampled_from((" ", "  ", "\t"))
LITERALS = st.sampled_from(
    (
        "1",
        "0.50",
        "20 MB",
        "20MB",
        "1.5 GiB",
        "3 days",
        "90minutes",
        "3  months",
        "1 year",
        "2026-03-09",
        "2026-03-09 16:30",
        "09:00",
        "9:05",
        "yes",
        "no",
    )
)
CHUNKS = st.text(alphabet="aB é/~.*#'[](),:-_\N{PILE OF POO}", max_size=6) | st.sampled_from(
    ("\\n", '\\"', "\\\\", "{{", "}}")
)


def _template(expressions: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    hole = st.tuples(expressions, st.sampled_from(("", ":0.00", ":%Y-%m-%d", ":upper"))).map(
        lambda p: "{" + p[0] + p[1] + "}"
    )
    return st.lists(CHUNKS | hole, max_size=3).map(lambda parts: '"' + "".join(parts) + '"')


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bracketed = inner.map(lambda e: f"({e})")
    binary = st.tuples(
        inner,
        st.sampled_from(
            ("and", "or", "is", "is not", "is  any of", "contains", "contains any of", "contains all of", "starts with",
             "ends with", "<", ">", "<=", ">=", "+", "-", "*", "/", "default", "where", "sorted by", "grouped  by", "\n  and", "\n or")
        ),
        inner,
    )  # fmt: skip
    return st.one_of(
        _template(inner),
        binary.map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        binary.map(lambda p: f"(({p[0]}) {p[1]} ({p[2]}))"),
        inner.map(lambda e: f"({e}).name"),
        st.tuples(inner, CHUNKS).map(lambda p: f'({p[0]})."{p[1]}"'),
        st.lists(st.tuples(CHUNKS, inner), min_size=1, max_size=3).map(
            lambda cells: "[" + ", ".join(f'"{name}" :{value}' for name, value in cells) + ",\n]"
        ),
        inner.map(lambda e: f"not ({e})"),
        inner.map(lambda e: f"(-({e}))"),
        inner.map(lambda e: f"count of ({e})"),
        st.tuples(inner, inner).map(lambda p: f"number after ({p[0]}) in ({p[1]})"),
        st.lists(inner, max_size=3).map(lambda items: "[" + ",\n ".join(items) + "]"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]}) between ({p[1]}) and ({p[2]})"),
        inner.map(lambda e: f'({e}) matches "^a\\d{{2}}[(]$"'),
        inner.map(lambda e: f'match of "b+" ignoring  case in ({e})'),
        inner.map(lambda e: f'count of (matches  of "[{{]" in ({e}))'),
        bracketed,
    )


EXPRESSIONS = st.recursive(NAMES | LITERALS | CHUNKS.map(lambda c: f'"{c}"'), _compound, max_leaves=8)
OPTIONS = (
    "between 9:00 and  18:00", "at most 2 at  a time", "at  most 1 at a time else skip", "once quiet for 10 seconds",
    "retry 3 times after 1 minute", "retry 1 time after 2minutes", "within 5 minutes", "catch up  all",
    "never catch up", 'in time zone "Europe/Berlin"',
)  # fmt: skip
BOUNDS = st.sampled_from(("", "", "from  1 to 2 + 3", 'one of ["a", "b"]', "one  of (x)"))
COMMENTS = st.sampled_from(("", "", "", "  # why", " #"))


@st.composite
def _statements(draw: st.DrawFn, depth: int) -> str:
    lines: list[str] = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(
            st.sampled_from(("let", "action", "comment", "blank", "if", "for", "try") if depth else ("let", "action"))
        )
        value = draw(EXPRESSIONS)
        note = draw(COMMENTS)
        match kind:
            case "let":
                lines.append(f"let y{draw(SPACE)}={draw(SPACE)}{value}{note}")
            case "action":
                line = draw(
                    st.sampled_from(
                        (
                            "move file to ({})",
                            "notify ({})",
                            "skip",
                            "make folder ({}) on  conflict rename",
                            "trash file",
                            "write ({}) to ({})",
                        )
                    )
                )
                lines.append(line.format(value, value) + note)
            case "comment":
                lines.append("# a comment of its own")
            case "blank":
                lines.extend(("", ""))
            case "if":
                lines.extend((f"if {value}{note}", draw(_statements(depth - 1))))
                if draw(st.booleans()):
                    lines.extend((f"else  if {draw(EXPRESSIONS)}", draw(_statements(depth - 1))))
                if draw(st.booleans()):
                    lines.extend((f"else{draw(COMMENTS)}", draw(_statements(depth - 1))))
                lines.append(f"end{draw(COMMENTS)}")
            case "for":
                lines.extend((f"for each z in {value}{note}", draw(_statements(depth - 1))))
                if draw(st.booleans()):
                    lines.extend((f"on  error{draw(COMMENTS)}", draw(_statements(depth - 1))))
                lines.append("end")
            case "try":
                lines.extend((f"try{note}", draw(_statements(depth - 1)), f"on error{draw(COMMENTS)}"))
                lines.extend((draw(_statements(depth - 1)), f"end{draw(COMMENTS)}"))
    return "\n".join(lines)


@st.composite
def coworkers(draw: st.DrawFn) -> str:
    """The text of a whole file that can be parsed; it need not make sense."""
    parts = [
        'coworker "x"',
        draw(st.sampled_from(('about "y"', "", "# nothing to say"))),
        'may read "~/a/**",   "~/b/*"',
        "may notify",
    ]
    parts.append(f'setting s: list of text = {draw(EXPRESSIONS)} {draw(BOUNDS)} shown as "S"{draw(COMMENTS)}')
    if draw(st.booleans()):
        parts.append(f"define gross of net: number in  y:file = {draw(EXPRESSIONS)}{draw(COMMENTS)}")
    for _ in range(draw(st.integers(1, 2))):
        parts.append(
            draw(
                st.sampled_from(
                    (
                        'when file arrives in "~/a" named "*.pdf"',
                        "every 15 minutes",
                        "every monday, friday at 9:00,17:00",
                        "every month on last day at 18:00",
                        'cron "* * * * *"',
                        "when asked",
                        'when asked for a1: date, b1:list of text = [] shown  as "B"',
                        'when "Other"  finishes',
                        "every month on 1,last friday , 2 at 9:00",
                        "every year on 24 december,29 february at 09:00",
                        "every 2 hours on weekday, sunday",
                    )
                )
            )
            + "".join(
                draw(SPACE | st.sampled_from(("\n", " # why\n   "))) + option
                for option in draw(st.lists(st.sampled_from(OPTIONS), max_size=4))
            )
        )
        parts.append(draw(_statements(2)))
        if draw(st.booleans()):
            parts.extend(("on   error", draw(_statements(1))))
        parts.append("end" + draw(COMMENTS))
    parts.append(
        f'test "t"\n given file "~/a/{"b" * draw(st.integers(1, 90))}.pdf" with text "x" kind "pdf" modified 2026-03-09\n given now 2026-01-01 9:00\n given answer a1 = 2026-01-01\n when "Other" fails\n when file arrives "~/a/b.pdf"\n# last\n expect no file "~/a/b.pdf"\n expect skip "no"\nend'
    )
    return "\n".join(parts) + draw(st.sampled_from(("", "\n", "\n\n# end")))
