"""The pages that look after the installation: the check-up, and what can be set."""

from __future__ import annotations

from starlette.responses import Response

from klapp.autostart import Autostart
from klapp.console.asking import Asking
from klapp.counts import counted
from klapp.updating import how_to


def checkup(asking: Asking) -> Response:
    """What ``klapp doctor`` finds, and the newer klapp that is known of."""
    from klapp.doctor import examine

    agent = asking.service.agent
    found = agent.updating.found()
    steps = how_to(agent.updating.status()["place"], found["files"]) if found else []
    return asking.page("checkup.html", findings=list(examine(agent.home)), update=found, steps=steps)


def settings(asking: Asking) -> Response:
    """How long the log and copies are kept, the secrets with which hosts know the person, how klapp starts, and who is asked
    for a newer one."""
    asking.demand()
    if asking.posted:
        return _changed(asking)
    agent = asking.service.agent
    return asking.page(
        "settings.html",
        rule=_rule(asking),
        copies=asking.ask("kept", what="report"),
        secrets=asking.ask("network", what="secrets"),
        witness=asking.ask("audit", what="witness"),
        home=str(agent.home.path),
        autostart=Autostart.here().status(),
        updates=asking.ask("updates", what="status"),
    )


def _rule(asking: Asking) -> dict[str, int | None]:
    from klapp.audit.retiring import policy

    found = policy(asking.service.agent.log_store)
    return {"days": found.days, "megabytes": found.megabytes}


def _changed(asking: Asking) -> Response:
    what = asking.field("what")
    if what == "retention":
        for name in ("days", "megabytes"):
            if asking.field(name).strip() and asking.number(name) is None:
                raise ValueError("How long the log is kept is a number from 1, or nothing for without end.")
        days, megabytes = asking.number("days"), asking.number("megabytes")
        done = asking.ask("audit", what="retain", days=days, megabytes=megabytes, change=True)
        return asking.go(
            "/settings", f"Kept. The rule let go of {counted(done['let_go'], 'entry', 'entries')} just now."
        )
    if what == "copies":
        days, megabytes = asking.number("days"), asking.number("megabytes")
        if days is None or megabytes is None:
            raise ValueError("How long copies are kept is a number of days, and one of megabytes, from 1.")
        asking.ask("kept", what="change", days=days, megabytes=megabytes)
        return asking.go("/settings", f"Copies are kept for {counted(days, 'day')}, in {megabytes:,} MB at most.")
    if what == "autostart":
        here = Autostart.here()
        told = "klapp starts when you log in." if here.on().way else "That can not be switched here."
        return asking.go("/settings", told)
    if what == "no autostart":
        Autostart.here().off()
        return asking.go("/settings", "klapp does not start by itself any more.")
    if what == "updates":
        return asking.go("/checkup", asking.ask("updates", what="check")["sentence"])
    if what == "secret":
        name, host = asking.field("name"), asking.field("host")
        asking.ask("network", what="set_secret", name=name, value=asking.field("value"), host=host)
        return asking.go("/settings", f"The secret {name} has a value now. Nobody is shown it.")
    if what == "forget":
        name, host = asking.field("name"), asking.field("host")
        asking.ask("network", what="remove_secret", name=name, host=host)
        return asking.go("/settings", f"The value of {name} is forgotten.")
    raise ValueError("This page does not know how to set that.")
