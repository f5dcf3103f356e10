"""A klapp that lives for days while a test turns the wall clock: real folders, log, workers, triggers; only time is not.

Every quarter of an hour the clock goes on and strikes; files arrive and change in batches, some runs fail and pause their
coworker, some are taken back, the log and kept copies are let go after a few days. Nobody sleeps until something is
probably done: each quarter ends when all that it had to start has run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

import time_machine

from klapp.notices import TerminalDisplay
from klapp.notices.deck import Showing
from klapp.service import Service
from tests.agent.house import House, until

ZONE = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 10, 23, tzinfo=ZONE)
"""Two days before the clocks of Berlin go from 03:00 back to 02:00."""
QUARTER = timedelta(minutes=15)
PATIENCE = 120.0
KEPT_DAYS = 3
"""So many days the log, kept copies and files that are gone are remembered, so that a week shows that they are let go."""
COWORKERS = {
    "sorter": """coworker "Sorter"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"
when file arrives in "~/In"
  move file to "~/Out/{file.extension}/"
end
""",
    "pages": """coworker "Pages"
may read "~/Notes/*"
may write "~/Pages/*"
when file arrives in "~/Notes"
  write "{file.name} {file.hash}" to "~/Pages/page.txt" on conflict replace
end
""",
    "quarters": """coworker "Quarters"
may write "~/Diary/*"
every 15 minutes
  write "{now}" to "~/Diary/now.txt" on conflict replace
end
""",
    "nights": """coworker "Nights"
may write "~/Diary/*"
may notify
every day at 02:30
  append "{now}\\n" to "~/Diary/nights.txt"
end
when "Quarters" fails
  notify "late"
end
""",
    "failer": """coworker "Failer"
may read "~/Bad/*"
limit 3 failures
when file arrives in "~/Bad" retry 1 times after 20 minutes
  fail "no"
end
""",
}


class Silent(TerminalDisplay):
    """A display that forgets what it shows."""

    def __init__(self) -> None:
        super().__init__(lambda line: None)

    def present(self, showing: Showing) -> int:
        return 0

    def show(self, title: str, text: str) -> None:
        pass


class Life:
    """One life: its service, what it has to have done by now, and the turning clock."""

    def __init__(self, house: House, service: Service, clock: time_machine.Traveller) -> None:
        self.house = house
        self.service = service
        self.agent = service.agent
        self.clock = clock
        self.person = house.person
        self.came = 0
        self.quarters = 0
        self.at = self.now.astimezone(UTC).replace(second=0, microsecond=0)
        self.on_quarter: Callable[[], None] = lambda: None

    @property
    def now(self) -> datetime:
        return datetime.now(ZONE)

    def day(self, files: int, batches: int, hours: int = 24) -> None:
        """Live through a day, as long as the clocks make it: ``files`` arrive in so many batches. Of a day of fewer
        ``hours`` the rest is passed over, as if the machine slept."""
        midnight = (self.at.astimezone(ZONE) + timedelta(hours=30)).replace(hour=0, minute=0)
        left = round((midnight.astimezone(UTC) - self.at) / QUARTER)
        quarters = left if hours >= 24 else min(left, hours * 4)
        self.at += QUARTER * (left - quarters)
        for number in range(1, quarters + 1):
            self._strike()
            if number % max(1, quarters // batches) == 0:
                self._arrive(files // batches)
            self.on_quarter()
        self._settle_the_day()

    def _strike(self) -> None:
        """Wake who waits for the time, as the system does once a minute, and wait for what it starts."""
        self.quarters += 1
        self.at += QUARTER
        page = self.person / "Diary/now.txt"
        before = page.read_text() if self.quarters > 1 else ""
        self.clock.move_to(self.at.timestamp())
        for condition in (self.service._clock._changed, self.service._turns._wake):
            with condition:
                condition.notify_all()
        until(lambda: page.exists() and page.read_text() != before, PATIENCE)
        until(lambda: min(self.service._clock.next_runs().values()) > self.at and self.is_quiet(), PATIENCE)

    def is_quiet(self) -> bool:
        """Whether nothing runs, and nothing waits that is due."""
        turns = self.service._turns
        return not turns.busy and not turns._queue and turns.agenda.next_due() != 0.0

    def _arrive(self, count: int) -> None:
        """Files come: most to be sorted, some to be told of, one that fails."""
        for _ in range(count):
            self.came += 1
            kind = ("pdf", "txt", "csv")[self.came % 3]
            self.house.file(f"In/{self.came}.{kind}", os.urandom(self.came * 37 % 5000), self.now)
        self.house.file(f"Notes/{self.came}.txt", os.urandom(10_000), self.now)
        self.house.file(f"Bad/{self.came}.txt", b"x", self.now)
        until(lambda: not any((self.person / "In").iterdir()), PATIENCE)
        page = self.person / "Pages/page.txt"
        until(lambda: page.exists() and page.read_text().startswith(f"{self.came}.txt "), PATIENCE)
        until(self.is_quiet, PATIENCE)

    def _settle_the_day(self) -> None:
        """A person comes by: takes some runs back, clears what is done with, and resumes who was paused."""
        runs = [one for one in self.agent.log("Sorter", newest=5) if one["undoes"] is None and one["undone_by"] is None]
        undone = self.agent.undo([one["run"] for one in runs])
        assert {one["outcome"] for one in undone} == {"done"}, undone
        for folder in ("In", "Notes", "Bad"):
            for path in (self.person / folder).iterdir():
                path.unlink()
        self.service.answer("resume", {"name": "Failer"})
        until(self.is_quiet, PATIENCE)


@contextmanager
def life(root: Path, begin: datetime = BEGIN) -> Iterator[Life]:
    """A klapp with its coworkers approved, started at midnight of the first day."""
    with ExitStack() as closing:
        before = os.environ.get("TZ")
        os.environ["TZ"] = str(ZONE)
        time.tzset()
        closing.callback(_zone_back, before)
        closing.enter_context(patch("klapp.triggers.seen.KEPT", KEPT_DAYS))
        clock = closing.enter_context(time_machine.travel(begin, tick=True))
        house = House(root)
        house.told = Silent()  # type: ignore[assignment]
        for folder in ("In", "Out", "Notes", "Pages", "Diary", "Bad"):
            (house.person / folder).mkdir()
        for name, text in COWORKERS.items():
            house.coworker(text, name)
        agent = closing.enter_context(house.agent())
        agent.clock = datetime.now
        for name in COWORKERS:
            agent.approve(name)
        agent.auditing.retain(days=KEPT_DAYS, change=True)
        agent.kept("change", days=KEPT_DAYS)
        service = closing.enter_context(Service(agent, lambda sentence: None))
        yield Life(house, service, clock)


def _zone_back(before: str | None) -> None:
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()
