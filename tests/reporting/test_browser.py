"""The page as a browser shows it: without an error, every chart drawn, light and dark, on a phone and on paper."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from bytegolf.reporting.page import write_report
from bytegolf.text.tokenizer import BytesTokenizer
from support.browsers import chromium
from support.report_picture import LARGEST, PICTURE, take
from support.reports import EVENTS, a_course, a_pack, a_run, contents_of, some_data

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

LONG = [
    {"event": "step", "step": step, "loss": 2 + 50 / (step + 9), "seconds": step / 10, "tokens_per_second": 1000.0}
    for step in range(1, 5001)
]  # fmt: skip
RATES = ("optim.matrix_lr=0.01", "optim.matrix_lr=0.02")
PHONE, WIDE = 390, 1100
READABLE = 4.5  # contrast of text, by WCAG 2.1

CONTRAST = """selectors => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (part) => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const found = rgb(getComputedStyle(node).backgroundColor);
      if (found[3] > 250) return found;
    }
    return [255, 255, 255];
  };
  return selectors.map((selector) => {
    const node = document.querySelector(selector);
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
    return [selector, (a + .05) / (b + .05)];
  });
}"""

UNDRAWN = """() => {
  const empty = [], box = (node) => node.getBoundingClientRect();
  const inside = (part, frame, slack) => part.left > frame.left - slack && part.right < frame.right + slack
    && part.top > frame.top - slack && part.bottom < frame.bottom + slack;
  for (const plot of document.querySelectorAll(".plot")) {
    if (!plot.offsetParent) continue;
    const lines = [...plot.querySelectorAll(".line, .dots")].filter((path) => path.getAttribute("d").includes("L"));
    const paths = lines.map(box), frame = box(plot.querySelector(".canvas"));
    const drawn = paths.every((part) => part.width + part.height > 0 && inside(part, frame, 9));
    if (!drawn) empty.push(JSON.stringify([frame, ...paths]));
    if (!plot.querySelector(".line, .dots")) empty.push("no line");
  }
  for (const map of document.querySelectorAll(".treemap")) {
    const cells = [...map.children].map(box), frame = box(map);
    const area = cells.reduce((sum, cell) => sum + cell.width * cell.height, 0) / (frame.width * frame.height);
    if (Math.abs(area - 1) > .03 || !cells.every((cell) => inside(cell, frame, 3))) empty.push("treemap " + area);
  }
  for (const track of document.querySelectorAll(".track"))
    if (box(track).width < 100 || !track.querySelector(".dot, .bar, .interval")) empty.push(track.parentElement.textContent);
  const coloured = (piece) => getComputedStyle(piece).backgroundColor !== "rgba(0, 0, 0, 0)";
  if (![...document.querySelectorAll(".text i")].some(coloured)) empty.push("text");
  return empty;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of one run that has everything, and of six runs of two configurations, one of which was killed."""
    root = tmp_path_factory.mktemp("pages")
    (root / "bytes").write_bytes(BytesTokenizer().serialised)
    text = "".join(f"line {number} of the text\n" for number in range(40))
    packs = [a_pack(bytes=size, budget=size, bpb_after=1.5 - size / 4e6) for size in (400_000, 700_000)]
    one = a_run(folder=root, events=[*LONG, *EVENTS[1::3]], courses=[a_course(text)], packs=packs)
    several = [
        a_run(
            f"a run with a rather long name, rate {rate}, seed {seed}",
            overrides,
            f"train.seed={seed}",
            folder=root,
            bpb=1 + rate / 9 + seed / 99,
        )
        for rate, overrides in enumerate(RATES)
        for seed in (1, 2, 3)
    ]
    several[-1] = a_run("killed", RATES[1], "train.seed=3", manifest=None, events=EVENTS[:3], pack=None, receipt=None, figures={})
    write_report(root / "one.html", contents_of(one, data=some_data()))
    write_report(root / "several.html", contents_of(*several, data=some_data(overlap=None), left_out=("x/run: " + "damaged" * 30,)))
    return {"one": root / "one.html", "several": root / "several.html"}


@contextmanager
def opened(browser: "Browser", path: Path, width: int = WIDE, scheme: Literal["light", "dark"] = "light") -> Iterator["Page"]:
    """Open a page, of which nothing may be said on the console and nothing fetched."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page, said, fetched = context.new_page(), list[str](), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(path.as_uri())
    yield page
    assert said == [] and set(fetched) == {path.as_uri()}
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE, 320])
@pytest.mark.parametrize("name", ["one", "several"])
def test_every_chart_is_drawn_and_nothing_is_wider_than_the_window(
    browser: "Browser", pages: dict[str, Path], name: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    with opened(browser, pages[name], width, scheme) as page:
        assert page.evaluate(UNDRAWN) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for second in page.locator(".views .choice label:last-child").all():
            second.click()
        assert page.locator(".view.first:visible").count() == 0 and page.evaluate(UNDRAWN) == [], "the other views"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable(browser: "Browser", pages: dict[str, Path], scheme: Literal["light", "dark"]) -> None:
    """Also where it is quiet, coloured, on a coloured ground or over the costliest token."""
    selectors = [
        "body",
        ".subtitle",
        ".note",
        ".axis",
        ".yt",
        "nav a",
        "summary",
        "code",
        ".card p",
        ".card.good strong",
        "b.good",
        "thead th",
    ]
    selectors += [".cell.c0 b", ".cell.c1 span", ".choice label:has(:checked)", ".scale.x li", ".key + *", "button"]
    with opened(browser, pages["one"], scheme=scheme) as page:
        poor = [found for found in page.evaluate(CONTRAST, [one for one in selectors if page.locator(one).count()]) if found[1] < READABLE]
        assert poor == []
    with opened(browser, pages["several"], scheme=scheme) as page:
        assert [found for found in page.evaluate(CONTRAST, ["aside li", "aside code", "aside h2"]) if found[1] < READABLE] == []


def background(page: "Page") -> tuple[int, ...]:
    found: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return tuple(int(part) for part in found.removeprefix("rgb(").removesuffix(")").split(","))


def test_dark_follows_the_system_and_the_button(browser: "Browser", pages: dict[str, Path]) -> None:
    with opened(browser, pages["one"], scheme="dark") as page:
        assert max(background(page)) < 64
        button = page.locator("#theme")
        assert button.inner_text() == "Theme: system"
        button.click()
        assert button.inner_text() == "Theme: light" and min(background(page)) > 192
        button.click()
        assert button.inner_text() == "Theme: dark" and max(background(page)) < 64
        page.reload()
        assert page.locator("#theme").inner_text() == "Theme: dark", "the choice lasts"
        page.locator("#theme").click()


def test_paper_is_white_and_shows_all_of_the_text(browser: "Browser", pages: dict[str, Path]) -> None:
    with opened(browser, pages["one"], 720, "dark") as page:
        page.emulate_media(media="print")
        assert background(page) == (255, 255, 255) and not page.locator("nav").is_visible() and not page.locator("#theme").is_visible()
        assert page.evaluate(UNDRAWN) == []
        assert page.evaluate("document.querySelector('.text').scrollHeight <= document.querySelector('.text').clientHeight + 2")
        assert page.pdf(format="A4").startswith(b"%PDF")


def tip(page: "Page") -> str | None:
    found: Any = page.locator("#tip")
    return found.inner_text() if found.is_visible() else None


def test_values_follow_the_pointer_and_the_keys(browser: "Browser", pages: dict[str, Path]) -> None:
    """At the right end stands the last step, whose loss is a little over 2 nats, and here as many bits per byte."""
    with opened(browser, pages["one"]) as page:
        canvas = page.locator("#training .first .canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None and tip(page) is None
        page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 60)
        shown = tip(page)
        assert shown is not None and "step 5,000" in shown and "training" in shown and "2.01" in shown
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
        assert "step 2," in (tip(page) or "")
        page.mouse.move(5, 5)
        assert tip(page) is None
        canvas.focus()
        page.keyboard.press("ArrowRight")
        assert "step" in (tip(page) or "")


def test_parts_and_tokens_say_what_they_are(browser: "Browser", pages: dict[str, Path]) -> None:
    with opened(browser, pages["one"]) as page:
        page.locator(".treemap").scroll_into_view_if_needed()
        page.locator(".cell").first.hover()
        assert tip(page) == "mlp: 613,411 bytes, 62.1 %, 4.32 bits a weight"
        piece = page.locator(".text .x3").first
        piece.scroll_into_view_if_needed()
        piece.hover()
        assert tip(page) == "'i': 1.00 bits with experts, 2.00 by the model alone"


def test_colours_are_of_what_is_chosen(browser: "Browser", pages: dict[str, Path]) -> None:
    """A token that costs 1 bit with experts and 2 without is darker by the model alone, and green where it is what they save."""
    with opened(browser, pages["one"]) as page:
        piece = page.locator(".text .x3").first
        colour = "node => getComputedStyle(node).backgroundColor"
        found = [piece.evaluate(colour)]
        for label in ("The model alone", "What experts save"):
            page.locator("#text").get_by_text(label, exact=True).click()
            found.append(piece.evaluate(colour))
        assert len(set(found)) == 3
        assert page.locator(".scale.g").is_visible() and not page.locator(".scale.x").is_visible()


def test_the_picture_of_the_readme_can_be_taken_anew(browser: "Browser", pages: dict[str, Path], tmp_path: Path) -> None:
    """And the one that is there is a PNG that is not too large."""
    take(browser, pages["one"], tmp_path / "picture.png")
    for picture in (tmp_path / "picture.png", PICTURE):
        assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size <= LARGEST
