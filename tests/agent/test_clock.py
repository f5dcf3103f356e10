"""When a plan strikes: plans of times over every change of the clocks, cron lines, what was missed, windows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.dispatch import Plan
from klapp.triggers.clock import Clock, Strike, jitter, served_until
from klapp.triggers.schedule import next_after, opens, real
from klr.options import inside
from klr.program import Options
from klr.schedules import Every, Monthly, Nth, Schedule, Weekly, Yearly, parse_cron

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


class Kept(dict[str, Any]):
    """A shelf in memory."""

    put = dict.__setitem__


class Ticking:
    """A clock of which a test says what it shows; it strikes when it is asked to."""

    def __init__(self, kept: Kept | None = None, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.now = at
        self.kept = Kept() if kept is None else kept
        self.clock = Clock(lambda _: None, kept=self.kept, zone=ZoneInfo("UTC"), now=lambda: self.now)

    def plan(self, schedule: Schedule, **options: Any) -> None:
        self.clock.set({("a", 0): Plan(schedule, Options(**options))})

    def strikes(self, later: timedelta) -> list[tuple[str, bool]]:
        self.now += later
        found = self.clock._strikes()
        for strike in found:
            self.clock.served(strike.key, strike.moment)
        return [(f"{strike.moment:%d %H:%M}", strike.as_of) for strike in found]


HOUR, FIVE = timedelta(hours=1), Every(timedelta(minutes=5))


def test_the_clock_strikes_when_it_is_time_and_stops() -> None:
    struck: list[Strike] = []
    due = threading.Event()

    def tell(strikes: list[Strike]) -> None:
        struck.extend(strikes)
        due.set()

    now = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [now]
    ticking = Clock(tell, zone=ZoneInfo("UTC"), now=lambda: moments[0])
    ticking.start()
    ticking.set({("a", 0): Plan(FIVE, Options()), ("b", 1): Plan(parse_cron("0 0 30 2 *"), Options())})
    assert ticking.next_runs() == {("a", 0): now + timedelta(minutes=5)}
    moments[0] += timedelta(minutes=17)  # the machine slept: one strike makes up for it
    ticking.set({("a", 0): Plan(FIVE, Options())})
    assert due.wait(10)
    ticking.stop()
    assert struck == [Strike(("a", 0), now + timedelta(minutes=15))]
    assert ticking.next_runs() == {("a", 0): now + timedelta(minutes=20)}


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("once", [("01 03:00", False)]),
        ("all", [("01 01:00", True), ("01 02:00", True), ("01 03:00", True)]),
        ("never", []),
    ],
)
@pytest.mark.parametrize("off", [False, True], ids=["asleep", "off"])
def test_what_was_missed_is_made_up_for_as_a_rule_says(
    catch_up: str, expected: list[tuple[str, bool]], off: bool
) -> None:
    ticking = Ticking()
    ticking.plan(Every(HOUR), catch_up=catch_up)
    if off:
        ticking = Ticking(ticking.kept, ticking.now + timedelta(hours=3, minutes=30))
        ticking.plan(Every(HOUR), catch_up=catch_up)
        assert ticking.strikes(timedelta()) == expected
    else:
        assert ticking.strikes(timedelta(hours=3, minutes=30)) == expected
    assert ticking.strikes(timedelta(minutes=29)) == []
    assert ticking.strikes(timedelta(minutes=1)) == [("01 04:00", False)]


def test_nothing_is_made_up_for_twice_and_a_changed_plan_begins_anew() -> None:
    ticking = Ticking()
    ticking.plan(Every(HOUR))
    assert ticking.strikes(HOUR) == [("01 01:00", False)]
    again = Ticking(ticking.kept, ticking.now)
    again.plan(Every(HOUR))
    assert again.strikes(timedelta(minutes=59)) == []
    changed = Ticking(ticking.kept, ticking.now + 5 * HOUR)
    changed.plan(Every(2 * HOUR))
    assert changed.strikes(timedelta(minutes=59)) == []
    served_until(changed.kept, ("a", 0), changed.now + 3 * HOUR)
    restarted = Ticking(changed.kept, changed.now + 3 * HOUR)
    restarted.plan(Every(2 * HOUR))
    assert restarted.strikes(timedelta()) == []


def test_a_clock_that_is_set_neither_doubles_nor_silences_a_plan() -> None:
    ticking = Ticking()
    ticking.plan(Every(HOUR))
    assert ticking.strikes(HOUR) == [("01 01:00", False)]
    assert ticking.strikes(-timedelta(minutes=20)) == []
    assert ticking.strikes(timedelta(minutes=21)) == []  # 01:00 comes again, and is not struck again
    assert ticking.strikes(timedelta(days=400))[-1][1] is False
    ticking.strikes(-timedelta(days=400))  # it had shown a wrong year
    assert ticking.strikes(HOUR) == [("01 02:00", False)]
    far = Ticking(ticking.kept, ticking.now - timedelta(days=30))
    far.plan(Every(HOUR))
    assert len(far.strikes(HOUR) + far.strikes(HOUR)) >= 1


def test_a_year_of_missed_minutes_is_cut_to_the_newest() -> None:
    for schedule in (Every(timedelta(minutes=1)), parse_cron("* * * * *")):
        ticking = Ticking()
        ticking.plan(schedule, catch_up="all")
        found = ticking.strikes(timedelta(days=20 if isinstance(schedule, Every) else 3))
        assert len(found) == 1000
        assert found[-1][0].endswith("00:00")


@given(st.integers(1, 50), st.binary(min_size=1, max_size=80))
def test_jitter_is_within_its_limit_and_the_same_each_time(number: int, seed: bytes) -> None:
    moment, options = datetime(2026, 1, 1, tzinfo=UTC), Options(jitter=timedelta(minutes=5))
    drawn = [jitter(options, ("a", index), moment, seed) for index in range(number)]
    assert all(timedelta() <= one < timedelta(minutes=5) for one in drawn)
    assert drawn == [jitter(options, ("a", index), moment, seed) for index in range(number)]
    assert jitter(Options(), ("a", 0), moment, seed) == timedelta()


# -- daylight saving, in bulk -----------------------------------------------------------------------------------------


def changes_of(zone: ZoneInfo) -> Iterator[datetime]:
    """The moments from 2020 to 2035 at which the clocks of a zone change, as UTC, each within a day."""
    at, step = datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=8)
    while at.year < 2036:
        if at.astimezone(zone).utcoffset() != (at + step).astimezone(zone).utcoffset():
            days = (at + timedelta(days=number) for number in range(8))
            for day in days:
                if day.astimezone(zone).utcoffset() != (day + timedelta(days=1)).astimezone(zone).utcoffset():
                    yield day
        at += step


def every_zone() -> list[str]:
    """Every zone once, whatever names it has."""
    rules: dict[bytes, str] = {}
    for name in sorted(available_timezones()):
        for folder in TZPATH:
            if (path := Path(folder, name)).is_file():
                rules.setdefault(path.read_bytes(), name)
                break
        else:
            rules.setdefault(name.encode(), name)
    return sorted(rules.values())


def test_the_clock_itself_strikes_on_time_through_every_change() -> None:
    """What the plans say is tried below; the clock that keeps them must neither stumble over an hour that comes twice nor
    come late in it."""
    plans = {("often", 0): Plan(Every(timedelta(minutes=15)), Options()), ("nights", 0): Plan(Weekly(tuple(range(7)), (time(1, 15), time(2, 30), time(23, 45))), Options())}  # fmt: skip
    step, seen = timedelta(minutes=5), set()
    for name in every_zone():
        zone = ZoneInfo(name)
        for change in changes_of(zone):
            kind = [(change + timedelta(days=days)).astimezone(zone).utcoffset() for days in (0, 1)]
            if (key := (*kind, change.month)) in seen:
                continue
            seen.add(key)
            now = change
            clock = Clock(lambda _: None, zone=zone, now=lambda: now)  # noqa: B023
            clock.set(plans)
            struck: dict[tuple[str, int], list[datetime]] = {key: [] for key in plans}
            for _ in range(12 * 24):
                now += step
                for strike in clock._strikes():
                    assert now - step < strike.moment <= now, (name, change, strike)
                    struck[strike.key].append(strike.moment)
                assert all(at > now for at in clock.next_runs().values()), (name, change)
            for key, plan in plans.items():
                expected, moment = [], change
                while (found := next_after(plan.schedule, moment, zone)) is not None and found <= now:
                    expected.append(found.astimezone(UTC))
                    moment = found
                assert struck[key] == expected, (name, change, key)


def test_no_run_is_doubled_or_dropped_at_any_change_of_any_zone_from_2020_to_2035() -> None:
    """Around each change: each half hour of each day strikes exactly once, in order; what was skipped, behind the gap."""
    times = tuple(time(hour, minute) for hour in range(24) for minute in (0, 30))
    plan, seen, count = Weekly(tuple(range(7)), times), set(), 0
    for name in every_zone():
        zone = ZoneInfo(name)
        for change in changes_of(zone):
            before, after = (change + timedelta(days=days) for days in (0, 1))
            rules = before.astimezone(zone).utcoffset(), after.astimezone(zone).utcoffset(), change.year
            if rules in seen:
                continue  # zones that change alike
            seen.add(rules)
            count += 1
            day = before.astimezone(zone).replace(tzinfo=None, hour=0, minute=0)
            first = real(day, zone)
            moment, struck = first - timedelta(seconds=1), []
            while (found := next_after(plan, moment, zone)) is not None and found.astimezone(zone).date() <= (
                day + timedelta(days=1)
            ).date():
                assert found > moment, (name, change)
                struck.append(found)
                moment = found
            wall = [at.replace(tzinfo=None, fold=0) for at in struck]
            assert len(set(wall)) == len(wall), (name, change)  # none doubled
            for hour in times:
                for number in range(2):
                    at = (day + timedelta(days=number)).replace(hour=hour.hour, minute=hour.minute)
                    assert real(at, zone) in struck, (name, change, at)  # none dropped
    assert count > 50


@given(MOMENTS, ZONES, st.integers(1, 300), st.times(), st.times())
def test_a_window_is_kept_to_and_counted_from_its_beginning(
    moment: datetime, zone: ZoneInfo, minutes: int, start: time, end: time
) -> None:
    window = start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    if window[0] == window[1]:
        return
    plan = Every(timedelta(minutes=minutes))
    struck = []
    for _ in range(4):
        found = next_after(plan, moment, zone, window)
        assert found is not None
        assert moment < found
        struck.append(found)
        moment = found
    opened = opens(moment, zone, window)
    assert opened == moment or opened > moment
    for at in struck:
        # At a change of the clocks, time that passes and time of the day are not the same.
        if at.utcoffset() == (at - timedelta(days=1)).astimezone(zone).utcoffset():
            assert inside(at.time(), window)
            first = at.replace(hour=window[0].hour, minute=window[0].minute)
            passed = at - first if at.time() >= window[0] else at - first + timedelta(days=1)
            assert passed % plan.interval == timedelta()


@pytest.mark.parametrize(
    ("plan", "after", "expected"),
    [
        (Monthly((15, "last"), (time(9),)), "2026-02-15T09:00+01:00", "2026-02-28T09:00+01:00"),
        (Monthly((Nth(1, 0),), (time(9),)), "2026-11-20T00:00+01:00", "2026-12-07T09:00+01:00"),
        (Monthly((Nth(-1, 4),), (time(9),)), "2026-11-20T10:00+01:00", "2026-11-27T09:00+01:00"),
        (Monthly((Nth(-1, 4), Nth(2, 2)), (time(9),)), "2026-11-28T10:00+01:00", "2026-12-09T09:00+01:00"),
        (Yearly(((2, 29), (12, 24)), (time(9),)), "2026-12-25T00:00+01:00", "2027-02-28T09:00+01:00"),
        (Yearly(((2, 29),), (time(9),)), "2027-12-25T00:00+01:00", "2028-02-29T09:00+01:00"),
        (Every(timedelta(hours=2), (0,)), "2026-11-20T00:00+01:00", "2026-11-23T00:00+01:00"),
    ],
)
def test_days_of_months_and_years(plan: Schedule, after: str, expected: str) -> None:
    found = next_after(plan, datetime.fromisoformat(after), ZoneInfo("Europe/Berlin"))
    assert found == datetime.fromisoformat(expected)


def test_cron_within_a_window() -> None:
    found = next_after(
        parse_cron("*/30 * * * *"), datetime(2026, 1, 1, 18, 1, tzinfo=UTC), ZoneInfo("UTC"), (time(9), time(18))
    )
    assert found == datetime(2026, 1, 2, 9, tzinfo=UTC)
