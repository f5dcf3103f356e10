"""A person's home in texts that are shown to them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from klapp.files.shown import at_home, shown

HOME = "/home/ada"


def test_paths_of_the_home_are_written_as_coworkers_write_them() -> None:
    told = at_home("moved /home/ada/In/a b.pdf to /home/ada/Out/a b.pdf", HOME)
    assert told == "moved ~/In/a b.pdf to ~/Out/a b.pdf"
    assert at_home('"/home/ada/In/x" is (/home/ada/y)', "/home/ada/") == '"~/In/x" is (~/y)'
    for text in ("/mnt/home/ada/x", "/home/ada2/x", "/home/ada", "file:///home/ada/x", "~/In/x"):
        assert at_home(text, HOME) == text
    assert at_home("/etc/passwd", "/") == "/etc/passwd"
    assert at_home("/home/a.a/x /home/aba/x", "/home/a.a") == "~/x /home/aba/x"


TEXTS = st.text(st.characters(exclude_characters="~"), max_size=20)


@given(TEXTS.map(lambda name: name.replace("/", "_")), TEXTS)
def test_only_the_home_is_taken_out(name: str, text: str) -> None:
    home = f"/home/{name}x"
    assert at_home(text, home).replace("~/", f"{shown(home)}/") == text
    assert at_home(f"{shown(home)}/{text}", home).startswith("~/")
