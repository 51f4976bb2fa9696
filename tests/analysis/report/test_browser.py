"""The page in a real Chromium: everything renders, nothing is wrong, nothing is fetched."""

import html
import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--virtual-time-budget=4000", "--force-device-scale-factor=1",
)  # fmt: skip
WATCH = """<script>
window.wrong = [];
addEventListener("error", (event) => wrong.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => wrong.push("blocked " + event.blockedURI));
</script>"""
PROBE = """<script>
addEventListener("load", () => {
  const box = (node) => { const r = node.getBoundingClientRect(); return [r.width, r.height]; };
  const table = document.querySelector("#table-arms table");
  const column = [...table.tHead.rows[0].cells].findIndex((c) => c.textContent.trim() === "Mean");
  const values = () => [...table.tBodies[0].rows].map((r) => Number(r.cells[column].dataset.value));
  const button = table.tHead.rows[0].cells[column].querySelector("button");
  button.click(); const up = values(); button.click(); const down = values();
  const found = {
    wrong,
    fetched: performance.getEntriesByType("resource").map((entry) => entry.name),
    sections: [...document.querySelectorAll("main section")].map((s) => [s.id, ...box(s)]),
    figures: [...document.querySelectorAll("figure svg")].map((s) => box(s)),
    texts: [...document.querySelectorAll("figure svg text")].length,
    paper: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.querySelector("figure svg text")).fill,
    overflow: document.documentElement.scrollWidth - innerWidth,
    up, down,
  };
  const out = document.createElement("pre");
  out.id = "probe"; out.textContent = JSON.stringify(found); document.body.append(out);
});
</script>"""

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def visit(page, tmp_path_factory):
    def look(*, dark=False, width=1280, extra=""):
        scratch = tmp_path_factory.mktemp("browser")
        text = page("crossed", 5e-7).read_text(encoding="utf-8")
        text = text.replace("<head>", f"<head>{WATCH}").replace("</body>", f"{extra}{PROBE}</body>")
        copy = scratch / "index.html"
        copy.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [CHROMIUM, *QUIET, f"--user-data-dir={scratch / 'profile'}", f"--window-size={width},900",
             f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--dump-dom", copy.as_uri()],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, flags=re.DOTALL)
        assert found is not None, done.stderr[-2000:]
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return json.loads(html.unescape(found.group(1))) | {"console": console}

    return look


@pytest.fixture(scope="module")
def seen(visit):
    return visit()


def test_every_section_and_figure_has_a_size(seen):
    names = [name for name, _, _ in seen["sections"]]
    assert {
        "verdicts",
        "ratio",
        "effects",
        "interactions",
        "arms",
        "training",
        "provenance",
    } <= set(names)
    assert all(width > 300 and height > 20 for _, width, height in seen["sections"])
    assert len(seen["figures"]) >= 8
    assert all(width > 300 and height > 100 for width, height in seen["figures"])
    assert seen["texts"] > 100


def test_nothing_goes_wrong_and_nothing_is_fetched(seen):
    assert seen["console"] == []
    assert seen["wrong"] == []
    assert seen["fetched"] == []


def test_a_mistake_would_be_seen(visit):
    bad = "<script>console.error('canary'); fetch('http://127.0.0.1:9/x').catch(() => 0);</script>"
    found = visit(extra=bad)
    assert any("canary" in line for line in found["console"])
    assert any("127.0.0.1:9" in line and "Security Policy" in line for line in found["console"])


def test_a_click_sorts_by_value_in_both_directions(seen):
    assert seen["up"] == sorted(seen["up"])
    assert seen["down"] == sorted(seen["up"], reverse=True)


def test_the_dark_look_reaches_the_figures(visit, seen):
    dark = visit(dark=True)
    assert (seen["paper"], dark["paper"]) == ("rgb(255, 255, 255)", "rgb(21, 24, 28)")
    assert (seen["ink"], dark["ink"]) == ("rgb(31, 35, 40)", "rgb(232, 235, 238)")


def test_a_phone_scrolls_in_one_direction(visit):
    # Chromium's window is at least 500 pixels wide; that is below the width where the layout changes.
    assert visit(width=500)["overflow"] <= 0
