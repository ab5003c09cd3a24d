"""A headless Chromium, told what to do over a pipe (the DevTools protocol: one JSON text for each message, ended by a zero byte)."""

import base64
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import debian

PACKAGES = ["chromium", "fonts-dejavu-core"]
LIMIT = 60
# Chromium reads from 3 and writes to 4.
MOVED = """import os, sys
one, other = os.dup2(int(sys.argv[1]), 100), os.dup2(int(sys.argv[2]), 101)
os.dup2(one, 3), os.dup2(other, 4)
os.execv(sys.argv[3], sys.argv[3:])"""


def told():
    """The program under test and the folder for screenshots, as typed (PROGRAM [--screenshots FOLDER]), taken from the arguments; installs
    Debian's chromium where it is missing."""
    debian.install("test-browser", PACKAGES, missing)
    program, screenshots = pathlib.Path("target/release/ocs"), None
    if len(sys.argv) > 1:
        program = pathlib.Path(sys.argv.pop(1))
    if "--screenshots" in sys.argv:
        at = sys.argv.index("--screenshots")
        screenshots = pathlib.Path(sys.argv[at + 1])
        screenshots.mkdir(parents=True, exist_ok=True)
        del sys.argv[at:at + 2]
    return program.resolve(), screenshots


def missing():
    return [] if shutil.which("chromium") or shutil.which("chromium-browser") else ["chromium"]


class Browser:
    def __init__(self):
        self.profile = tempfile.TemporaryDirectory()
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()

        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                     "--disable-extensions", "--no-first-run", "--remote-debugging-pipe",
                     "--user-data-dir=" + self.profile.name, "about:blank"]
        command = [sys.executable, "-c", MOVED, str(to_read), str(to_write), program, *arguments]
        self.program = subprocess.Popen(command, pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_read)
        os.close(to_write)
        self.number, self.pending, self.events = 0, b"", []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(domain + ".enable")

    session = None

    def ask(self, method, **parameters):
        """Asks the page, once there is one."""
        return self.asked(method, parameters, self.session)

    def ask_whole(self, method, **parameters):
        """Asks the browser, whichever page it shows."""
        return self.asked(method, parameters, None)

    def asked(self, method, parameters, session):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        limit = time.time() + LIMIT
        while time.time() < limit:
            told = self.next(limit - time.time())
            if told.get("id") == self.number:
                assert "error" not in told, (method, told["error"])
                return told["result"]
            self.events.append(told)
        raise AssertionError("Chromium did not answer to " + method)

    def next(self, seconds):
        limit = time.time() + seconds
        while b"\0" not in self.pending:
            if not select.select([self.back], [], [], max(0, limit - time.time()))[0]:
                raise AssertionError("Chromium says nothing")
            read = os.read(self.back, 1 << 20)
            assert read, "Chromium has ended"
            self.pending += read
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message.decode())

    def open(self, path, width, scheme, media=""):
        """Shows a file in a window of this width, and waits until all of it is there; returns addresses that were asked for."""
        return self.go(path.as_uri(), width, scheme, media)

    def go(self, address, width, scheme="light", media=""):
        """The same for an address."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events = []
        self.ask("Page.navigate", url=address)
        limit = time.time() + LIMIT
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.next(limit - time.time()))
        self.value("Promise.all(Array.from(document.images).map(image => image.decode().catch(() => 0))).then(() => 0)")
        requests = [event["params"]["request"]["url"] for event in self.events
                    if event.get("method") == "Network.requestWillBeSent"]
        return [url for url in requests if not url.startswith("data:")]

    def complaints(self):
        return [event["params"] for event in self.events if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")]

    def value(self, script):
        told = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def screenshot(self, path, whole=True):
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000 if whole else 900), "scale": 1}
        picture = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(picture["data"]))

    def close(self):
        self.program.terminate()
        try:
            self.program.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.program.kill()
            self.program.wait()
        os.close(self.to)
        os.close(self.back)
        # Its helpers outlive it for a moment, and write to the profile.
        try:
            os.killpg(self.program.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        limit = time.time() + LIMIT
        while True:
            try:
                self.profile.cleanup()
                return
            except OSError:
                if time.time() > limit:
                    raise
                time.sleep(0.1)


if sys.version_info < (3, 6):
    sys.exit("Python 3.6 or newer is needed")
