"""Triggers: files that really arrive on a real disk, and plans of times over every change of the clocks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time as clock
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.triggers.arrivals import Settling, is_partial
from klapp.triggers.clock import Clock
from klapp.triggers.folders import FolderWatch
from klapp.triggers.mounts import kind_of_disk, tells_all
from klapp.triggers.schedule import next_after, real
from klapp.triggers.seen import SeenInDatabase, SeenInMemory
from klr.schedules import Every, Monthly, Schedule, Weekly, parse_cron

QUIET = timedelta(milliseconds=150)


def until(look: Callable[[], object]) -> None:
    end = clock.monotonic() + 10
    while not look():
        assert clock.monotonic() < end, "waited in vain"
        clock.sleep(0.01)


class Watched:
    """A watch on folders, and what it told."""

    def __init__(self, *folders: tuple[Path, bool]) -> None:
        self.arrived: list[str] = []
        self.troubles: list[str] = []
        self.watch = FolderWatch(
            [(str(f), r) for f, r in folders], self.arrived.extend, quiet=QUIET, trouble=self.troubles.append
        )
        self.watch.start()

    def names(self) -> list[bytes]:
        return sorted(os.path.basename(os.fsencode(path)) for path in self.arrived)


@pytest.fixture
def watching() -> Iterator[Callable[..., Watched]]:
    started: list[Watched] = []

    def begin(*folders: tuple[Path, bool]) -> Watched:
        started.append(Watched(*folders))
        return started[-1]

    yield begin
    for one in started:
        one.watch.stop()


def test_a_file_arrives_once_when_it_is_written_closed_and_quiet(
    tmp_path: Path, watching: Callable[..., Watched]
) -> None:
    (tmp_path / "there before").touch()
    seen = watching((tmp_path, False))
    slow = (tmp_path / "slow").open("w")
    slow.write("x")
    slow.flush()
    for name in (b"a\nb", b"\xff", b"-x", "ü".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_text("x")
    (tmp_path / "half.crdownload").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "deeper").touch()
    os.symlink(tmp_path / "there before", tmp_path / "link")
    until(lambda: len(seen.arrived) >= 4)
    assert seen.names() == sorted([b"a\nb", b"\xff", b"-x", "ü".encode()])
    slow.close()
    (tmp_path / "half.crdownload").rename(tmp_path / "whole.pdf")
    until(lambda: len(seen.arrived) >= 6)
    clock.sleep(2 * QUIET.total_seconds())
    assert seen.names() == sorted([b"a\nb", b"\xff", b"-x", "ü".encode(), b"slow", b"whole.pdf"])


def test_a_burst_is_told_whole(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    seen = watching((tmp_path, False))
    for number in range(2000):
        (tmp_path / f"{number}").write_text("x")
    until(lambda: len(seen.arrived) >= 2000)
    assert sorted(map(int, seen.names())) == list(range(2000))


def test_folders_below_count_where_they_should(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    seen = watching((tmp_path, True))
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "deep").write_text("x")
    until(lambda: seen.names() == [b"deep"])


def test_a_folder_that_is_not_there_is_waited_for_and_told(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    seen = watching((tmp_path / "later" / "on", False))
    assert "not there" in seen.troubles[0]
    (tmp_path / "beside").touch()
    (tmp_path / "later").mkdir()
    clock.sleep(0.1)
    (tmp_path / "later" / "on").mkdir()
    (tmp_path / "later" / "on" / "a").write_text("x")
    until(lambda: seen.names() == [b"a"])
    os.rename(tmp_path / "later" / "on", tmp_path / "later" / "off")
    clock.sleep(0.2)
    (tmp_path / "later" / "on").mkdir()
    clock.sleep(0.2)
    (tmp_path / "later" / "on" / "b").write_text("x")
    until(lambda: seen.names() == [b"a", b"b"])


def test_other_folders_from_now_on(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    seen = watching((tmp_path / "one", False))
    (tmp_path / "two" / "old").touch()
    seen.watch.set_folders([(str(tmp_path / "two"), False)])
    (tmp_path / "one" / "a").write_text("x")
    (tmp_path / "two" / "b").write_text("x")
    until(lambda: seen.names() == [b"b"])
    clock.sleep(2 * QUIET.total_seconds())
    assert seen.names() == [b"b"]


def test_a_folder_above_a_watched_one_is_watched_from_now_on(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    (tmp_path / "in").mkdir()
    seen = watching((tmp_path / "in", False))
    seen.watch.set_folders([(str(tmp_path), False), (str(tmp_path / "in"), False)])
    (tmp_path / "a").write_text("x")
    (tmp_path / "in" / "b").write_text("x")
    until(lambda: seen.names() == [b"a", b"b"])
    seen.watch.set_folders([(str(tmp_path / "in"), False)])
    (tmp_path / "c").write_text("x")
    (tmp_path / "in" / "d").write_text("x")
    until(lambda: len(seen.arrived) >= 3)
    clock.sleep(2 * QUIET.total_seconds())
    assert seen.names() == [b"a", b"b", b"d"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has leases")
def test_folders_change_while_much_happens_in_them(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    watched = watching((one, False))
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            number += 1
            (one / str(number % 50)).write_text(str(number))
            (other / str(number % 50)).write_text(str(number))

    def change() -> None:
        for _ in range(100):
            watched.watch.set_folders([(str(one), False), (str(other), False)])
            watched.watch.set_folders([(str(other), False)])

    writer, changer = threading.Thread(target=write), threading.Thread(target=change, daemon=True)
    writer.start()
    changer.start()
    changer.join(60)
    over.set()
    writer.join()
    assert not changer.is_alive(), "who is told of files and who asks for folders wait for each other"


def test_a_look_whether_a_file_is_open_disturbs_nobody(tmp_path: Path) -> None:
    """Programs that open the file while klapp looks are neither refused nor is klapp told by a signal that ends it."""
    file = tmp_path / "busy"
    file.write_text("x")
    code = (
        "import os, sys, threading\n"
        "from klapp.triggers.arrivals import is_being_written\n"
        "def look():\n"
        "    for _ in range(20_000): is_being_written(sys.argv[1])\n"
        "looker = threading.Thread(target=look); looker.start()\n"
        "while looker.is_alive():\n"
        "    with open(sys.argv[1], 'a'): pass\n"
        "print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"alive\n", b"")


def test_nothing_is_missed_when_the_system_loses_count(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    """Where the kernel's queue overflows, for real: it is made short, and many files come at once."""
    most = Path("/proc/sys/fs/inotify/max_queued_events")
    if not os.access(most, os.W_OK):
        pytest.skip("only root can shorten the kernel's queue")
    (tmp_path / "old").write_text("x")
    before = most.read_text()
    most.write_text("16")
    try:
        seen = watching((tmp_path, True))
    finally:
        most.write_text(before)
    source = seen.watch._observer._inotify_fd
    with source._lock:  # nobody takes events out meanwhile
        for number in range(3000):
            (tmp_path / f"{number}").write_text("x")
    until(lambda: len(seen.arrived) >= 3000)
    clock.sleep(3 * QUIET.total_seconds())
    assert sorted(map(int, seen.names())) == list(range(3000))


def test_a_folder_that_can_not_be_watched_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("klapp.triggers.folders.POLL", 0.1)
    monkeypatch.setattr("klapp.triggers.folders.tells_all", lambda _: False)
    monkeypatch.setattr("klapp.triggers.folders._file_events", list)  # as if another machine changed it
    (tmp_path / "old").write_text("x")
    seen = Watched((tmp_path, False))
    try:
        assert "looks through it" in seen.troubles[0]
        (tmp_path / "new").write_text("x")
        until(lambda: seen.names() == [b"new"])
        clock.sleep(0.5)
        assert seen.names() == [b"new"]
    finally:
        seen.watch.stop()


def test_disks_are_told_apart(tmp_path: Path) -> None:
    assert kind_of_disk("/proc/self") in ("proc", "")
    assert tells_all(str(tmp_path))
    assert kind_of_disk("/nowhere/at/all") == kind_of_disk("/")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 2**64 - 1)), max_size=10))
def test_both_memories_say_the_same(looks: list[tuple[str, int, int]]) -> None:
    from klapp.vault.database import connect

    with tempfile.TemporaryDirectory() as folder:
        connection = connect(Path(folder) / "x.db", b"k" * 32)
        kept, passing = SeenInDatabase(connection, threading.RLock()), SeenInMemory()
        assert not kept.has(folder)
        for memory in (kept, passing):
            memory.begin(folder, [(f"{folder}/old", (1, 2, 3, 4))])
        for name, size, inode in looks:
            look = (f"{folder}/{name}\udcff", (1, inode, 5, size))
            assert kept.unknown(folder, [look]) == passing.unknown(folder, [look])
            kept.told([look])
            passing.told([look])
            assert kept.unknown(folder, [look]) == passing.unknown(folder, [look]) == []
        assert kept.has(folder)
        kept.keep_only([])
        assert not kept.has(folder)
        kept.forget(today=10**6)
        assert kept.unknown(folder, [(f"{folder}/old", (1, 2, 3, 4))]) == [f"{folder}/old"]
        connection.close()


@pytest.mark.parametrize(
    "name", ["a.crdownload", "A.PART", "x.partial", "~$letter.docx", ".~lock.a.odt#", "a.tmp", ".goutputstream-X", "b~"]
)
def test_names_of_what_is_not_whole(name: str) -> None:
    assert is_partial(name)
    assert not is_partial(name.replace("~", "").replace(".", "").strip("$#"))


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=8))
def test_nothing_settles_before_it_was_quiet(steps: list[tuple[float, bool]]) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.close()
        Path(file.name).write_text("x")
        settling, now, touched = Settling(1.0), 0.0, None
        for wait, touch in steps:
            now += wait
            if touch:
                settling.touched(file.name, now)
                touched = now
            found = settling.arrived(now)
            assert found == [] or (touched is not None and now - touched >= 1.0)
        os.unlink(file.name)


# -- the clock --------------------------------------------------------------------------------------------------------

ZONES = st.sampled_from(("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "America/Santiago", "Pacific/Apia", "Antarctica/Troll")).map(ZoneInfo)  # fmt: skip
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(lambda d: d.replace(tzinfo=UTC, microsecond=0))
TIMES = st.lists(st.times().map(lambda t: t.replace(second=0, microsecond=0)), min_size=1, max_size=3).map(
    lambda ts: tuple(sorted(set(ts)))
)


@given(MOMENTS, ZONES, TIMES)
def test_daily_plans_strike_once_for_each_day_and_time(
    moment: datetime, zone: ZoneInfo, times: tuple[time, ...]
) -> None:
    plan = Weekly(tuple(range(7)), times)
    day = moment.astimezone(zone).date()
    start = real(datetime(day.year, day.month, day.day), zone) - timedelta(seconds=1)
    struck = []
    at = start
    while len(struck) < 12 * len(times):
        found = next_after(plan, at, zone)
        assert found is not None
        assert found > at
        struck.append(found)
        at = found
    # Reckoned in the other direction: each wall-clock time of each day, as a moment.
    expected = sorted(
        {
            real(datetime(day.year, day.month, day.day) + timedelta(days=n, hours=t.hour, minutes=t.minute), zone)
            for n in range(14)
            for t in times
        }
    )
    assert struck == [m for m in expected if m > start][: len(struck)]


@given(MOMENTS, ZONES, st.integers(0, 23), st.integers(0, 59))
def test_cron_and_the_words_for_it_agree(moment: datetime, zone: ZoneInfo, hour: int, minute: int) -> None:
    weekly, cron = Weekly((0, 4), (time(hour, minute),)), parse_cron(f"{minute} {hour} * * mon,5")
    for _ in range(4):
        found = next_after(weekly, moment, zone)
        assert found == next_after(cron, moment, zone)
        assert found is not None
        moment = found


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


@st.composite
def cron_fields(draw: st.DrawFn, lowest: int, highest: int, words: tuple[str, ...] = ()) -> tuple[str, set[int]]:
    """A field as somebody may write it, and the numbers that it stands for."""
    items, meant = [], set()
    for _ in range(draw(st.integers(1, 3))):
        low, high = sorted((draw(st.integers(lowest, highest)), draw(st.integers(lowest, highest))))
        step = draw(st.integers(1, highest + 5))
        first, last = (
            draw(st.sampled_from((words[n - lowest], words[n - lowest].upper())))
            if words and draw(st.booleans())
            else str(n)
            for n in (low, high)
        )
        if first.lower() == "sun" and low == 7:
            first = "7"
        match draw(st.sampled_from(("*", "*/", "one", "span", "span/"))):
            case "*":
                items.append("*")
                meant |= set(range(lowest, highest + 1))
            case "*/":
                items.append(f"*/{step}")
                meant |= set(range(lowest, highest + 1, step))
            case "one":
                items.append(first)
                meant.add(low)
            case "span":
                items.append(f"{first}-{last}")
                meant |= set(range(low, high + 1))
            case _:
                items.append(f"{first}-{last}/{step}")
                meant |= set(range(low, high + 1, step))
    return ",".join(items), meant


CRON_LINES = st.tuples(
    cron_fields(0, 59), cron_fields(0, 23), cron_fields(1, 31), cron_fields(1, 12, MONTHS), cron_fields(0, 7, WEEKDAYS)
)


@given(MOMENTS, CRON_LINES)
def test_every_cron_line_strikes_when_crontab_says(moment: datetime, fields: tuple[tuple[str, set[int]], ...]) -> None:
    texts = [text for text, _ in fields]
    minutes, hours, days, months, weekdays = (meant for _, meant in fields)
    either = not texts[2].startswith("*") and not texts[4].startswith("*")

    def counts(day: datetime) -> bool:
        in_month, in_week = day.day in days, bool({day.isoweekday(), day.isoweekday() % 7} & weekdays)
        return day.month in months and (in_month or in_week if either else in_month and in_week)

    day = moment.replace(hour=0, minute=0, second=0)
    expected = None
    for number in range(800):
        if counts(date := day + timedelta(days=number)):
            later = (date.replace(hour=h, minute=m) for h in sorted(hours) for m in sorted(minutes))
            expected = next((at for at in later if at > moment), None)
            if expected:
                break
    found = next_after(parse_cron(" ".join(texts)), moment, ZoneInfo("UTC"))
    assert found == expected or (expected is None and (found is None or found > day + timedelta(days=799)))


@given(MOMENTS, ZONES, st.integers(1, 2000))
def test_intervals_stay_equal_over_changes_of_the_clocks(moment: datetime, zone: ZoneInfo, minutes: int) -> None:
    plan = Every(timedelta(minutes=minutes))
    first = next_after(plan, moment, zone)
    assert first is not None
    second = next_after(plan, first, zone)
    assert second is not None
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(minutes=minutes)
    assert moment < first <= moment + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("plan", "after", "expected"),
    [
        (Weekly(tuple(range(7)), (time(2, 30),)), "2026-03-28T12:00+01:00", "2026-03-29T03:00+02:00"),  # skipped
        (Weekly(tuple(range(7)), (time(2, 30),)), "2026-10-24T12:00+02:00", "2026-10-25T02:30+02:00"),  # twice
        (Weekly(tuple(range(7)), (time(2, 30),)), "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
        (parse_cron("30 2 * * *"), "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
        (Monthly(("last",), (time(18),)), "2028-02-01T00:00+01:00", "2028-02-29T18:00+01:00"),
        (Monthly((31,), (time(18),)), "2026-04-01T00:00+02:00", "2026-04-30T18:00+02:00"),
        (parse_cron("0 9 1 1 *"), "2026-01-01T09:00+01:00", "2027-01-01T09:00+01:00"),
        (parse_cron("0 0 * * sat-sun"), "2026-11-20T00:00+01:00", "2026-11-21T00:00+01:00"),
        (parse_cron("0 0 * * sun-mon"), "2026-11-22T00:00+01:00", "2026-11-23T00:00+01:00"),
        (parse_cron("30 4 13 * fri"), "2026-11-09T00:00+01:00", "2026-11-13T04:30+01:00"),
        (parse_cron("30 4 13 * fri"), "2026-11-13T12:00+01:00", "2026-11-20T04:30+01:00"),
        (parse_cron("0 0 29 2 */7"), "2026-01-01T00:00+01:00", "2032-02-29T00:00+01:00"),
        (parse_cron("0 0 * * 7"), "2026-11-20T00:00+01:00", "2026-11-22T00:00+01:00"),
    ],
)
def test_known_moments_in_berlin(plan: Schedule, after: str, expected: str) -> None:
    found = next_after(plan, datetime.fromisoformat(after), ZoneInfo("Europe/Berlin"))
    assert found is not None
    # In UTC, for a time that a night has twice equals none of another zone (PEP 495).
    assert found.astimezone(UTC) == datetime.fromisoformat(expected).astimezone(UTC)


def test_a_plan_that_never_strikes_is_none() -> None:
    assert next_after(parse_cron("0 0 30 2 *"), datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC")) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "* * * nov-feb *",
        "* * * * fri-mon",
        "* * * * mon-",
        "\u0663 * * * *",
        "*-5 * * * *",
        "99999999999999999999999 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "1/5 * * * *",
        "* * * * * *",
    ],
)
def test_bad_cron_lines_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"fields|no (minute|hour|day|month)"):
        parse_cron(text)


def test_the_clock_strikes_when_it_is_time_and_stops() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    now = [moment]
    struck: list[str] = []
    due = threading.Event()

    def tell(key: str) -> None:
        struck.append(key)
        due.set()

    ticking = Clock(tell, zone=ZoneInfo("UTC"), now=lambda: now[0])
    ticking.start()
    ticking.set({"a": Every(timedelta(minutes=5)), "b": parse_cron("0 0 30 2 *")})
    assert ticking.next_runs() == {"a": moment + timedelta(minutes=5)}
    now[0] += timedelta(minutes=17)  # the machine slept: one strike makes up for it
    ticking.set({"a": Every(timedelta(minutes=5))})
    assert due.wait(10)
    assert struck == ["a"]
    assert ticking.next_runs() == {"a": moment + timedelta(minutes=20)}
    ticking.stop()
