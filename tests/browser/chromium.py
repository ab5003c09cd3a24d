"""Debian's headless Chromium, driven by Playwright (playwright-core and its Python)."""

import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "set_up")]

import debian  # noqa: E402
import python_packages  # noqa: E402

PACKAGES = ["chromium", "fonts-dejavu-core"]
LIMIT = 60


def told():
    """The program under test and the folder for screenshots, as typed (PROGRAM [--screenshots FOLDER]), taken from the arguments; installs
    Debian's chromium where it is missing, and brings Playwright."""
    debian.install("test-browser", PACKAGES, missing)
    sys.path.insert(0, str(python_packages.bring(HERE / "requirements.txt")))
    program, screenshots = pathlib.Path("target/release/ocs"), None
    if len(sys.argv) > 1:
        program = pathlib.Path(sys.argv.pop(1))
    if "--screenshots" in sys.argv:
        at = sys.argv.index("--screenshots")
        screenshots = pathlib.Path(sys.argv[at + 1])
        screenshots.mkdir(parents=True, exist_ok=True)
        del sys.argv[at:at + 2]
    return program.resolve(), screenshots


def chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser")


def missing():
    return [] if chromium() else ["chromium"]


class Browser:
    """One page of a browser without a past."""

    # Playwright runs once in a process.
    playwright = None

    def __init__(self):
        if Browser.playwright is None:
            from playwright.sync_api import sync_playwright
            Browser.playwright = sync_playwright().start()
        self.program = Browser.playwright.chromium.launch(executable_path=chromium(), chromium_sandbox=False)
        self.page = self.program.new_page()
        self.page.set_default_timeout(LIMIT * 1000)
        self.requests, self.said, self.downloads = [], [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("download", lambda download: self.downloads.append(download))

    def open(self, path, width, scheme):
        """Shows a file in a window of this width, and waits until all of it is there; returns addresses that were asked for."""
        return self.go(path.as_uri(), width, scheme)

    def go(self, address, width, scheme="light"):
        """The same for an address."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        self.requests.clear()
        self.said.clear()
        self.page.goto(address)
        self.value("Promise.all(Array.from(document.images).map(image => image.decode().catch(() => 0))).then(() => 0)")
        return [url for url in self.requests if not url.startswith("data:")]

    def complaints(self):
        """What the page has complained of since it was opened."""
        return self.said

    def value(self, script):
        return self.page.evaluate(script)

    def press(self, key):
        self.page.keyboard.press(key)

    def downloaded(self, count, folder):
        """Waits for so many files, and writes them to a folder under the names that the page gives them."""
        limit = time.time() + LIMIT
        while len(self.downloads) < count:
            assert time.time() < limit, "%d of %d files came" % (len(self.downloads), count)
            self.page.wait_for_timeout(100)
        for download in self.downloads:
            download.save_as(folder / download.suggested_filename)

    def screenshot(self, path):
        self.page.screenshot(path=path, full_page=True)

    def close(self):
        self.program.close()
