"""axe-core in the page: what keeps it from fitting WCAG 2.2 AA."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

VERSION = "4"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def script() -> str:
    """axe-core's text, from npm; kept between runs of the tests."""
    folder = Path(tempfile.gettempdir()) / f"klapp-tests-axe-{VERSION}"
    found = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not found.exists():
        folder.mkdir(exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"axe-core@{VERSION}"]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    return found.read_text(encoding="utf-8")


def problems(page: Page) -> list[str]:
    """Every violation, in light and in dark."""
    page.wait_for_load_state("load")
    found: set[str] = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        if not page.evaluate("'axe' in window"):
            page.evaluate(script())
        result = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
        for one in result["violations"]:
            found.update(
                f"{scheme} {one['id']}: {node['html'][:120]} {node['failureSummary'][:200]}" for node in one["nodes"]
            )
    return sorted(found)
