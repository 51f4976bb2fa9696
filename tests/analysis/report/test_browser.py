"""The page in a real Chromium: everything renders, nothing is wrong, nothing is fetched."""

import html
import json
import re
import shutil
import subprocess
from urllib.parse import unquote

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
  const seeds = document.getElementById("figure-seeds");
  const visible = () => [...seeds.querySelectorAll("svg")].map((s) => s.getClientRects().length > 0);
  const first = visible();
  seeds.querySelectorAll("input")[1].click();
  const second = visible();
  const marks = [...seeds.querySelectorAll("use.mark")].filter((m) => m.getClientRects().length > 0);
  const picks = document.getElementById("picks");
  const chosen = marks[0].dataset.arm;
  marks[0].dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const kept = (nodes) => [...nodes].filter((n) => !n.classList.contains("dim")).map((n) => n.dataset.arm);
  const lit = [...new Set(kept(marks))], rows = [...new Set(kept(document.querySelectorAll("tr[data-arm]")))];
  picks.reset(); picks.elements.seed.value = "0"; picks.dispatchEvent(new Event("change"));
  const ofSeed = marks.filter((m) => !m.classList.contains("dim")).map((m) => m.dataset.seed);
  picks.reset(); picks.dispatchEvent(new Event("change"));
  const card = document.getElementById("run"), record = card.querySelector("a");
  card.querySelector("[data-go=close]").click();
  marks[0].dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const lit2 = [...document.querySelectorAll(".mark.lit")].map((m) => m.dataset.run);
  const opened = { hidden: card.hidden, told: card.querySelector("p").textContent, href: record.getAttribute("href"),
    run: marks[0].dataset.run, lit: [...new Set(lit2)],
    curves: document.querySelectorAll("#figure-curves .mark.lit").length };
  marks[0].dispatchEvent(new MouseEvent("click", { bubbles: true }));
  opened.closed = card.hidden && document.querySelectorAll(".lit").length === 0;
  picks.reset(); picks.dispatchEvent(new Event("change"));
  const svg = marks[0].closest("svg"), whole = svg.getAttribute("viewBox"), area = svg.getBoundingClientRect();
  const at = (type, x, y) => svg.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerType: "mouse",
    button: 0, clientX: area.x + x * area.width, clientY: area.y + y * area.height }));
  at("pointerdown", .3, .3); at("pointermove", .6, .6); at("pointerup", .6, .6);
  const zoomed = svg.getAttribute("viewBox").split(" ").map(Number);
  svg.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
  const again = svg.getAttribute("viewBox");
  const saved = [];
  HTMLAnchorElement.prototype.click = function () { saved.push([this.download, this.href]); };
  seeds.querySelector("[data-save=svg]").click();
  const found = {
    views: [first, second], opened, chosen, lit, rows, ofSeed, whole, zoomed, again, saved,
    dimmed: document.querySelectorAll(".dim").length,
    wrong,
    fetched: performance.getEntriesByType("resource").map((entry) => entry.name),
    sections: [...document.querySelectorAll("main section")].map((s) => [s.id, ...box(s)]),
    figures: [...document.querySelectorAll("figure svg")].filter((s) => s.getClientRects().length).map((s) => box(s)),
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


def test_a_click_chooses_a_view(seen):
    assert seen["views"] == [[True, False], [False, True]]


def test_a_click_on_a_point_highlights_its_arm_in_figures_and_tables(seen):
    assert seen["lit"] == [seen["chosen"]]
    assert seen["rows"] == [seen["chosen"]]


def test_a_seed_is_highlighted_and_all_shown_again(seen):
    assert set(seen["ofSeed"]) == {"0"}
    assert seen["dimmed"] == 0


def test_a_click_on_a_point_lights_its_runs_curve_and_leads_to_its_record(seen):
    opened = seen["opened"]
    assert not opened["hidden"]
    assert opened["lit"] == [opened["run"]]
    assert opened["curves"] >= 1
    assert opened["told"].endswith(f"(run {opened['run']})")
    assert opened["href"] == f"../runs/{opened['run']}/result.json"
    assert opened["closed"]


def test_a_drag_zooms_and_two_clicks_show_all_again(seen):
    x, y, width, height = seen["zoomed"]
    _, _, all_of_it, _ = map(float, seen["whole"].split())
    assert width == pytest.approx(0.3 * all_of_it, rel=0.02)
    assert x == pytest.approx(0.3 * all_of_it, rel=0.02)
    assert min(y, height) > 0
    assert seen["again"] == seen["whole"]


def test_a_figure_is_saved_as_it_is_shown_with_its_colours_written_out(seen):
    ((name, address),) = seen["saved"]
    assert name == "seeds.svg"
    kind, _, text = address.partition(",")
    svg = unquote(text)
    assert kind.startswith("data:image/svg+xml")
    assert "own level taken out" in svg
    assert "var(" not in svg
    assert svg.startswith("<svg xmlns=")
