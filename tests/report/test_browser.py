"""The page in a browser: it folds, finds, lights and links, by pointer and by keyboard, and nothing in it gets out.

Needs Chromium with its driver (Debian: `apt-get install chromium chromium-driver`). Where there is none the tests are
skipped, unless GRADCHECK_FREEZE_BROWSER says that they are required, as in CI.
"""

import http.server
import json
import os
import shutil
import threading
from importlib.resources import files as resources

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from gradcheck_freeze.report import html

DESKTOP, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def chromium():
    browser, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not browser or not driver:
        if os.environ.get("GRADCHECK_FREEZE_BROWSER") == "required":
            pytest.fail("no Chromium with a chromedriver was found")
        pytest.skip("needs Chromium with its driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield running
    running.quit()


class Page:
    """A report in the browser. At the end of a test it must have logged nothing and asked for nothing."""

    def __init__(self, chromium, folder):
        self.chromium, self.folder = chromium, folder

    def open(self, diagnosis, fragment="", size=DESKTOP, dark=False, script=True):
        """Open the report of a diagnosis as a file of its own."""
        path = self.folder / "report.html"
        path.write_text(html.render(diagnosis), "utf-8")
        width, height = size
        phone = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.chromium.get("about:blank")
        self.cdp("Emulation.setDeviceMetricsOverride", **phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", features=[scheme])
        self.cdp("Emulation.setScriptExecutionDisabled", value=not script)
        self.logs()
        self.chromium.get(path.as_uri() + fragment)
        return self

    def cdp(self, command, **parameters):
        return self.chromium.execute_cdp_cmd(command, parameters)

    def js(self, code, *arguments):
        return self.chromium.execute_script(code, *arguments)

    def all(self, selector):
        return self.chromium.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.chromium.find_element(By.CSS_SELECTOR, selector)

    def box(self, label):
        """Return the drawn box whose name begins so."""
        return next(e for e in self.all("[data-node]") if e.get_attribute("aria-label").split(",")[0] == label)

    def boxes(self):
        return [element.get_attribute("aria-label").split(",")[0] for element in self.all("[data-node]")]

    def lit(self):
        return {e.get_attribute("aria-label").split(",")[0] for e in self.all(".node.lit")}

    def press(self, *keys):
        webdriver.ActionChains(self.chromium).send_keys(*keys).perform()

    def wait(self, selector):
        """Return an element that comes soon."""
        return WebDriverWait(self.chromium, 5).until(lambda _: next(iter(self.all(selector)), None))

    def focused(self):
        return self.chromium.switch_to.active_element

    def logs(self):
        """Return what the console said and which addresses outside the page were asked for since the last call."""
        said = [entry["message"] for entry in self.chromium.get_log("browser")]
        events = [json.loads(entry["message"])["message"] for entry in self.chromium.get_log("performance")]
        asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return said, [url for url in asked if not url.startswith("data:")]

    def axe(self):
        """Return the serious violations of the accessibility rules, each with the elements that break it."""
        self.js(resources("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
        found = self.chromium.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        assert found["passes"]
        return [
            (violation["id"], [node["html"][:200] for node in violation["nodes"]][:5])
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
        ]


@pytest.fixture
def page(chromium, tmp_path, monkeypatch):
    monkeypatch.setenv(
        "GRADCHECK_FREEZE_DOT", "/no/such/engine"
    )  # the drawing for readers without script is not at issue
    opened = Page(chromium, tmp_path)
    yield opened
    said, asked = opened.logs()
    assert said == []
    assert [url for url in asked if not url.startswith(tmp_path.as_uri())] == []


@pytest.fixture
def served(tmp_path):
    """Return a function that serves the report of the test under a policy and returns its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        policy = ""

        def do_GET(self):
            content = (tmp_path / "report.html").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", self.policy)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Keep quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def serve(policy):
        Handler.policy = policy
        return f"http://127.0.0.1:{server.server_address[1]}/report.html"

    yield serve
    server.shutdown()
    server.server_close()


def test_every_page_opens_without_error_or_request(page, story):
    page.open(story)
    assert page.one("h1").text


def test_picture_opens_around_what_is_at_fault_and_rolls_up_the_rest(page, examples):
    page.open(examples.trained_transformer(12))
    drawn = page.boxes()
    assert "model.layers.{2-11}" in drawn
    assert "model.layers.1.attention" in drawn
    assert "model.layers.1.attention.q" not in drawn  # all in it is alike
    assert "model.layers.0.mlp" not in drawn
    assert [text.text for text in page.all(".edge.cut text")] == ["✂ detach", "train.py:8"]


def test_boxes_fold_and_unfold_to_any_depth(page, examples):
    page.open(examples.trained_transformer(3))
    before = page.boxes()
    assert "model.layers.0.mlp.up" not in before
    for _ in range(4):
        page.one("[data-do=unfold]").click()
    assert "model.layers.0.mlp.up" in page.boxes()
    for _ in range(4):
        page.one("[data-do=fold]").click()
    assert page.boxes() == ["model", "loss"] or set(page.boxes()) == {"model", "loss"}
    page.one("[data-do=reset]").click()
    assert page.boxes() == before


def test_single_box_unfolds_from_its_panel_and_by_a_double_click(page, examples):
    page.open(examples.trained_transformer(3))
    page.box("model.layers.0").click()
    assert "inside" in page.one("#panel .toggle").text
    page.one("#panel .toggle").click()
    assert "model.layers.0.attention" in page.boxes()
    webdriver.ActionChains(page.chromium).double_click(page.box("model.layers.0.attention")).perform()
    assert "model.layers.0.attention.q" in page.boxes()


def test_unfolding_more_than_can_be_read_is_refused_with_words(page, examples):
    page.open(examples.trained_transformer(300))
    for _ in range(3):
        page.one("[data-do=unfold]").click()
    assert "more than can be read" in page.one("#said").text
    assert len(page.all("[data-node]")) < 1300


def test_box_tells_its_parameters_and_findings(page, examples):
    page.open(examples.blocked())
    page.box("generator").click()
    panel = page.one("#panel").text
    assert "BLOCKED" in panel
    assert "GF201 detached-path" in panel
    assert "0.weight" in panel
    page.one("#panel .close").click()
    assert not page.one("#panel").is_displayed()


def test_finding_lights_its_path_and_trail(page, examples):
    page.open(examples.trained_transformer(3))
    page.one(".light").click()
    lit = page.lit()
    assert {"model.layers.1.attention", "model.layers.1.norm2", "loss"} <= lit
    assert "model.embed" not in lit
    assert page.all(".edge.cut.lit")
    assert page.all(".card.lit .trail .cause")
    assert page.one(".light").get_attribute("aria-pressed") == "true"
    page.one(".light").click()
    assert not page.all(".lit")


def test_link_to_a_finding_opens_at_it(page, examples):
    finding = examples.blocked().findings[0]
    page.open(examples.blocked(), f"#finding-{finding.fingerprint}")
    assert page.focused().get_attribute("id") == f"finding-{finding.fingerprint}"
    assert page.one("[aria-current]").get_attribute("id") == f"finding-{finding.fingerprint}"
    assert "generator" in page.lit()


def test_link_to_a_module_and_a_parameter_opens_the_tree_there(page, examples):
    page.open(examples.trained_transformer(40), "#module-model.layers.37.mlp")
    assert page.one(".here").get_attribute("data-module") == "model.layers.37.mlp"
    page.js("location.hash = '#parameter-model.layers.21.norm1.bias'")
    row = page.wait("[data-parameter='model.layers.21.norm1.bias'].here")
    assert row.is_displayed()
    assert "0." in row.text


def test_link_to_nothing_does_no_harm(page, examples):
    for fragment in ("#finding-", "#module-%E0%A4%A", "#parameter-__proto__", "#rule-GF999", "#x", "#finding-<b>"):
        page.open(examples.blocked(), fragment)


def test_search_finds_modules_parameters_and_findings_by_keyboard(page, examples):
    page.open(examples.trained_transformer(40))
    page.press("/")
    assert page.focused().get_attribute("id") == "search"
    page.press("detached")
    assert page.all("#hits a")[0].text.startswith("finding GF201")
    page.press(Keys.ESCAPE)
    assert not page.one("#hits").is_displayed()
    page.press("layers.37 mlp up weight")
    assert [hit.text for hit in page.all("#hits a")] == ["parameter model.layers.37.mlp.up.weight"]
    page.press(Keys.ARROW_DOWN, Keys.ENTER)
    assert page.wait(".here").get_attribute("data-parameter") == "model.layers.37.mlp.up.weight"
    page.press("/")
    page.press("no such thing")
    assert page.one("#hits").text == "nothing found"


def test_keyboard_moves_the_picture_and_chooses_boxes(page, examples):
    page.open(examples.blocked())
    view = lambda: [float(n) for n in page.one("#canvas svg").get_dom_attribute("viewBox").split()]  # noqa: E731
    page.js("document.querySelector('#canvas').focus()")
    before = view()
    page.press("+")
    assert view()[2] < before[2]
    page.press(Keys.ARROW_RIGHT)
    assert view()[0] > before[0]
    page.press("0")
    assert view() == pytest.approx(before)
    page.press(Keys.TAB)
    chosen = page.focused().get_attribute("aria-label")
    page.press(Keys.ENTER)
    assert page.one("#panel h3").text.startswith(chosen.split(",")[0])
    page.press(Keys.ESCAPE)
    assert not page.one("#panel").is_displayed()
    assert page.focused().get_attribute("aria-label") == chosen


def test_every_control_is_reached_with_the_tab_key(page, examples):
    page.open(examples.leak())
    reached = set()
    for _ in range(80):
        page.press(Keys.TAB)
        focused = page.focused()
        reached.add(focused.get_attribute("id") or focused.get_attribute("class") or focused.text)
    assert {"search", "theme", "canvas", "light", "copy", "fold"} <= reached


def test_picture_is_dragged_and_zoomed_by_pointer(page, examples):
    page.open(examples.blocked())
    view = lambda: page.one("#canvas svg").get_dom_attribute("viewBox")  # noqa: E731
    before = view()
    webdriver.ActionChains(page.chromium).drag_and_drop_by_offset(page.one("#canvas"), 40, 10).perform()
    assert view() != before
    assert not page.one("#panel").is_displayed()
    page.one("[data-do=fit]").click()
    assert view() == before
    page.one("[data-do=in]").click()
    assert view() != before


def test_tree_folds_and_keeps_buffers_folded(page, examples):
    page.open(examples.leak())
    assert [e.text for e in page.all("tr.group .fold") if "buffer" in e.text] == ["2 buffers"]
    assert not page.all("[data-parameter='encoder.norm.running_mean']")
    next(e for e in page.all("tr.group .fold") if "buffer" in e.text).click()
    assert page.all("[data-parameter='encoder.norm.running_mean']")
    page.one("[data-module=encoder] .fold").click()
    assert not page.all("[data-parameter^='encoder.']")
    page.one("[data-module=encoder] .fold").click()
    assert page.all("[data-parameter^='encoder.']")


def test_patch_is_copied(page, examples):
    page.open(examples.leak())
    page.cdp("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.one(".copy").click()
    assert WebDriverWait(page.chromium, 5).until(lambda _: page.one(".copy").text != "Copy patch")
    assert page.one(".copy").text in ("Copied", "Selected: press Ctrl+C")
    assert "+encoder.requires_grad_(False)" in page.one(".patch code").text


def test_colours_follow_the_system_and_the_toggle(page, examples):
    ground = "return getComputedStyle(document.body).backgroundColor"
    page.open(examples.blocked())
    light = page.js(ground)
    page.open(examples.blocked(), dark=True)
    dark = page.js(ground)
    assert light != dark
    page.one("#theme").click()
    assert page.js(ground) == light
    page.js("localStorage.clear()")


@pytest.mark.parametrize("name", ["blocked", "leak", "gan", "lora", "hostile", "large"])
def test_phone_shows_the_page_without_scrolling_sideways(page, examples, name):
    page.open(getattr(examples, name)(), size=PHONE)
    assert page.js("return document.documentElement.scrollWidth") <= PHONE[0]


def test_picture_runs_downwards_on_a_phone(page, examples):
    place = "const b = arguments[0].getBoundingClientRect(); return [b.x, b.y]"
    for size, axis in ((DESKTOP, 0), (PHONE, 1)):
        page.open(examples.blocked(), size=size)
        start, end = (page.js(place, page.box(label)) for label in ("generator", "loss"))
        assert end[axis] > start[axis] + 20


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["leak", "blocked", "clean", "gan", "nothing"])
def test_accessibility_checker_finds_nothing_serious(page, examples, name, dark):
    page.open(getattr(examples, name)(), dark=dark)
    for details in page.all("details"):
        page.js("arguments[0].open = true", details)
    if page.all("[data-node]"):
        page.all("[data-node]")[0].send_keys(Keys.ENTER)
    assert page.axe() == []


def test_accessibility_holds_for_opened_boxes_on_a_phone(page, examples):
    page.open(examples.trained_transformer(5), size=PHONE)
    page.one("[data-do=unfold]").click()
    page.one(".light").click()
    page.js("document.querySelector('#canvas svg').classList.remove('lighting')")  # dimmed on purpose, not at issue
    assert page.axe() == []


def test_hostile_names_and_lines_are_shown_and_never_run(page, examples):
    plain = examples.blocked()
    evil = "</script><img src=x onerror=\"document.title='pwned'\"><b>${1}{{2}}\u202e\x1b[31m"
    records = [examples.parameter(f"{evil}.weight", "BLOCKED", losses=[evil], optimizer=evil)]
    place = examples.Location(f"{evil}.py", 8, 8, evil, evil, evil)
    finding = examples.Finding(
        "GF201", "detached-path", "blockage", examples.Severity.ERROR, (records[0].name,), evil, evil, place, (place,),
        examples.Fix(evil, f"+{evil}"), evil,
    )  # fmt: skip
    flow = plain.graph.copy()
    for _, attributes in flow.nodes(data=True):
        attributes.update(label=evil, module=evil, findings=(finding.fingerprint,), location=place)
    for _, _, attributes in flow.edges(data=True):
        attributes.update(cut=True, op=evil, location=place)
    hostile = examples.diagnosis(
        records, finding, graph=flow, gaps=(evil,), script=examples.ScriptRecord(evil, (evil,), 0),
        losses=(examples.LossRecord(evil, place, 1, (records[0].name,)),), excerpts=(examples.Excerpt(place.path, 7, (evil, evil)),),
    )  # fmt: skip
    page.open(hostile)
    page.all("[data-node]")[0].send_keys(Keys.ENTER)
    page.one(".light").click()
    page.press("/")
    page.press("img src")
    assert page.all("#hits a")
    page.press(Keys.ARROW_DOWN, Keys.ENTER)
    assert not page.all("img, #canvas image, foreignObject")
    assert "pwned" not in page.chromium.title or "onerror" in page.chromium.title  # the title shows it as text
    for element in ("h1", ".card h3", "#panel h3", ".source", ".trail"):
        text = page.one(element).get_attribute("textContent")
        assert "onerror=" in text
        assert "\\u202e" in text
        assert not {"\u202e", "\x1b"} & set(text)


def test_page_works_in_the_sandbox_of_a_server(page, examples, served):
    page.open(examples.trained_transformer(3))
    page.logs()
    page.chromium.get(
        served(
            "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
        )
    )
    page.wait("[data-node]")
    page.one("#theme").click()
    page.one("[data-do=unfold]").click()
    assert "model.layers.0.mlp" in page.boxes()
    said, asked = page.logs()
    assert said == []
    assert len(asked) == 1


def test_page_says_all_without_script(page, examples):
    page.open(examples.blocked(), script=False)
    page.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert page.one("#canvas img").size["height"] > 40
    assert page.one("#rows").is_displayed()
    assert page.one(".card .source").is_displayed()
    assert not any(e.is_displayed() for e in page.all("button, input"))


def test_print_shows_the_findings_and_no_controls(page, examples):
    page.open(examples.leak())
    page.cdp("Emulation.setEmulatedMedia", media="print")
    assert page.one("#rows").is_displayed()
    assert not any(e.is_displayed() for e in page.all(".tools, .search, #tree, .light"))
    page.cdp("Emulation.setEmulatedMedia", media="")


def test_a_thousand_layers_open_folded(page, examples):
    page.open(examples.trained_transformer(1000))
    assert "model.layers.{2-999}" in page.boxes()
