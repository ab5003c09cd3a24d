"""The task of `ocs human task` in a real browser: three days of a participant with a keyboard, a reload in the middle, and the
analysis of what came out.

Usage: test_task.py PROGRAM [--screenshots FOLDER] [TEST ...]; installs Debian's chromium where it is missing.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import chromium  # noqa: E402
from test_report import TEXTS  # noqa: E402

PROGRAM = None
SCREENSHOTS = None

CONFIG = """
task: {branching: [2, 2]}
human:
  days: 3
  blocks: 2
  trials: 6
  page: {feedback_time: 0.1, pause: 0.0, deadline: 30, consent: consent.md, bonus: "1 cent <b>each</b>", save: SAVE}
"""
CONSENT = "# Consent\n\nI am *free* to stop. <script>document.title = 'run'</script>\n"
# What is seen: the words of a button, or a trial with its words and which of them belong to its picture.
SEEN = """(() => {
  const state = document.body.dataset.state; if (state) return {state};
  const button = document.querySelector(".jspsych-btn"); if (button) return {button: button.textContent, text: document.body.innerText};
  const trial = document.querySelector(".trial"); if (!trial) return {};
  const confirm = trial.querySelector(".confirm");
  return {trial: trial.querySelector(".progress").textContent, over: trial.querySelector(".label[aria-disabled]") !== null,
    picture: trial.querySelector("img").getAttribute("src"), focus: document.activeElement.tagName,
    words: Array.from(trial.querySelectorAll(".label"), label => [label.querySelector(".word").textContent, label.querySelector("kbd")?.textContent]),
    marked: Array.from(trial.querySelectorAll(".label"), label => label.getAttribute("aria-pressed") === "true"),
    said: trial.querySelector(".said").textContent, confirm: confirm.textContent};
})()"""


def run(*arguments, cwd):
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], cwd=str(cwd), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Server:
    """The program's own, from here to the end of a block."""

    def __init__(self, folder, port=0):
        self.command = [str(PROGRAM), "-q", "human", "serve", "study", "--data", "sessions", "--port", str(port)]
        self.folder = folder

    def __enter__(self):
        self.program = subprocess.Popen(self.command, cwd=str(self.folder), stdout=subprocess.PIPE, universal_newlines=True)
        return self.program.stdout.readline().split("?")[0]

    def __exit__(self, *_):
        self.program.terminate()
        self.program.wait(20)
        self.program.stdout.close()


class Participant:
    """Presses keys and sees what a page shows."""

    def __init__(self, browser, test):
        self.browser, self.test, self.belongs, self.pictures, self.shown = browser, test, {}, set(), []

    def press(self, key):
        self.browser.press(key)

    def wait(self, until, seconds=20):
        limit = time.time() + seconds
        while time.time() < limit:
            seen = self.browser.value(SEEN)
            if until(seen):
                return seen
            time.sleep(0.02)
        raise AssertionError("the page stays at %s" % seen)

    def day(self, most=None):
        """Goes through a day, or through so many trials of it; right answers are remembered from one trial to the next."""
        trials, last = 0, None
        while True:
            seen = self.wait(lambda seen: "state" in seen or "button" in seen or ("trial" in seen and not seen["over"] and seen["trial"] != last))
            if "state" in seen:
                return trials
            if "button" in seen:
                self.shown.append(seen["text"])
                self.press("Enter")
                self.wait(lambda now: now.get("button") != seen["button"] or now.get("text") != seen["text"])
                continue
            if most is not None and trials == most:
                return trials
            last = seen["trial"]
            known = self.belongs.get(seen["picture"], set())
            for word, key in seen["words"]:
                if word in known:
                    self.press(key)
            marked = self.wait(lambda now: sum(now.get("marked", [])) == len(known))
            self.test.assertEqual({word for (word, _), is_marked in zip(marked["words"], marked["marked"]) if is_marked}, known)
            self.press("Enter")
            told = self.wait(lambda now: now.get("over") or now.get("trial") != last)
            if told.get("over"):
                answer = re.sub(r"^(Right|Not quite)\. | belongs? to it\.$", "", told["said"])
                self.belongs[seen["picture"]] = set(re.split(r", | and ", answer))
                self.test.assertEqual(told["said"].startswith("Right."), known == self.belongs[seen["picture"]])
            trials += 1


class Task(unittest.TestCase):
    def setUp(self):
        self.kept = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.kept.name)
        self.browser = chromium.Browser()

    def tearDown(self):
        self.browser.close()
        self.kept.cleanup()

    def write(self, save):
        (self.folder / "mine.yaml").write_text(CONFIG.replace("SAVE", save))
        (self.folder / "consent.md").write_text(CONSENT)
        run("human", "task", "mine.yaml", "--out", "study", cwd=self.folder)

    def analysed(self, files):
        run("human", "import", *files, "--config", "mine.yaml", "--out", "data", cwd=self.folder)
        return json.loads(run("human", "analyse", "data", "--config", "mine.yaml", "--block", "6", "--json", cwd=self.folder))

    def three_days(self, address, participant):
        counts = []
        for day in (1, 2, 3):
            self.browser.go("%s?participant=%s&day=%d" % (address, participant.name, day), 1400)
            done = participant.day(most=7) if day == 2 else 0
            if day == 2:
                self.assertEqual(done, 7)
                # Left while the answer is seen: the trial is done.
                participant.press("Enter")
                done += 1
                self.browser.go("%s?participant=%s&day=%d" % (address, participant.name, day), 400)
            done += participant.day()
            counts.append(done)
            self.assertEqual(participant.wait(lambda seen: "state" in seen)["state"], "saved")
        return counts

    def test_three_days_with_a_server_come_out_whole_and_the_analysis_reads_them(self):
        self.write("server")
        with Server(self.folder) as address:
            participant = Participant(self.browser, self)
            participant.name = "anna-1"
            self.assertEqual(self.three_days(address, participant), [12, 12, 12])
            again = "Storage.alone(window.OCS_EXPERIMENT, 'anna-1', 3)"
            self.assertFalse(self.browser.value(again), "a second window of the same day would write over the first")
            self.assertTrue(self.browser.value(again.replace("anna", "berta")))
        self.assertTrue(any("I am free to stop. <script>" in text for text in participant.shown), participant.shown[:2])
        self.assertTrue(any("1 cent <b>each</b>" in text for text in participant.shown))
        self.assertTrue(any("Trial 9 of 12" in text for text in participant.shown))
        files = sorted((self.folder / "sessions").iterdir())
        self.assertEqual([file.name for file in files], ["anna-1-day-%d.json" % day for day in (1, 2, 3)])
        rows = [row for file in files for row in json.loads(file.read_text()) if row["trial_type"] == "mark-labels"]
        self.assertEqual([row["trial"] for row in rows], list(range(1, 37)), "each trial once, through all days and a reload")
        self.assertEqual(len({row["config_hash"] for row in rows}), 1)
        self.assertTrue(all(0 < row["reaction_time"] < 20000 for row in rows))
        # From the second time on that a picture is seen its words are known.
        seen = set()
        for row in rows:
            # The one that was left while its answer was seen was confirmed as it stood.
            if row["item"] in seen and row["trial"] != 20:
                self.assertEqual(row["responses"], row["targets"], row)
            seen.add(row["item"])
        self.assertEqual(seen, {0, 1, 2, 3})
        second = json.loads(files[1].read_text())
        self.assertEqual(len([row for row in second if row["trial_type"] == "reload"]), 1)
        analysed = self.analysed(["sessions/" + file.name for file in files])
        blocks = analysed["participants"][0]["blocks"]
        self.assertEqual([(block["day"], block["trials"]) for block in blocks], [(day, 6) for day in (1, 1, 2, 2, 3, 3)])
        self.assertEqual(blocks[-1]["true_negative_rate"], [1, 1])
        self.assertEqual(blocks[-1]["true_positive_rate"], [1, 1])
        self.assertLess(blocks[0]["true_positive_rate"][1], 1)

    def test_a_session_that_cannot_be_sent_stays_and_is_sent_once_after_a_reload(self):
        self.write("server")
        participant = Participant(self.browser, self)
        with Server(self.folder) as address:
            self.browser.go("%s?participant=c&day=1" % address, 1400)
            participant.day(most=11)
        self.assertEqual(participant.day(), 1)
        self.assertEqual(participant.wait(lambda seen: "state" in seen)["state"], "unsent")
        self.assertIn("Nothing is lost", self.browser.value("document.body.innerText"))
        with Server(self.folder, port=address.rstrip("/").rsplit(":", 1)[1]) as address:
            for _ in range(2):
                self.browser.go("%s?participant=c&day=1" % address, 1400)
                self.assertEqual(participant.wait(lambda seen: "state" in seen)["state"], "saved")
        [file] = (self.folder / "sessions").iterdir()
        rows = json.loads(file.read_text())
        self.assertEqual([row["trial"] for row in rows if row["trial_type"] == "mark-labels"], list(range(1, 13)))

    def test_a_folder_by_itself_downloads_both_files_and_goes_on_after_a_reload(self):
        self.write("download")
        downloads = self.folder / "downloads"
        participant = Participant(self.browser, self)
        participant.name = "b"
        self.assertEqual(self.three_days((self.folder / "study" / "index.html").as_uri(), participant), [12, 12, 12])
        names = ["b-day-%d.%s" % (day, kind) for day in (1, 2, 3) for kind in ("csv", "json")]
        self.browser.downloaded(len(names), downloads)
        self.assertEqual(sorted(file.name for file in downloads.iterdir()), names)
        from_json = self.analysed(["downloads/b-day-%d.json" % day for day in (1, 2, 3)])
        run("human", "import", *["downloads/b-day-%d.csv" % day for day in (1, 2, 3)], "--config", "mine.yaml", "--out", "again",
            cwd=self.folder)
        from_csv = json.loads(run("human", "analyse", "again", "--config", "mine.yaml", "--block", "6", "--json", cwd=self.folder))
        self.assertEqual(from_json["participants"], from_csv["participants"])

    def test_in_jatos_results_go_there_and_the_study_ends_when_the_participant_says_so(self):
        self.write("jatos")
        page = (self.folder / "study" / "index.html").as_uri()
        self.browser.go(page + "?participant=d&day=1", 1400)
        participant = Participant(self.browser, self)
        limit = time.time() + 20
        while time.time() < limit and "runs in JATOS" not in self.browser.value("document.body.innerText"):
            time.sleep(0.1)
        self.assertIn("runs in JATOS", self.browser.value("document.body.innerText"))
        # What the page asks of JATOS' own script, which its server puts beside a study.
        (self.folder / "study" / "jatos.js").write_text("""window.jatos = {
            urlQueryParameters: Object.fromEntries(new URLSearchParams(location.search)), workerId: 7, onLoad: f => setTimeout(f),
            submitResultData: async text => { window.submitted = text; }, endStudy: () => { window.ended = true; } };""")
        self.browser.go(page + "?day=1", 1400)
        self.assertEqual(participant.day(), 12)
        rows = json.loads(self.browser.value("window.submitted"))
        self.assertEqual([row["trial"] for row in rows if row["trial_type"] == "mark-labels"], list(range(1, 13)))
        self.assertEqual({row["participant"] for row in rows}, {"7"})
        self.assertIsNone(self.browser.value("window.ended"))
        self.browser.value("document.getElementById('finish').click()")
        self.assertTrue(self.browser.value("window.ended"))

    def test_every_screen_is_readable_narrow_and_wide_and_asks_for_nothing_elsewhere(self):
        self.write("download")
        page = (self.folder / "study" / "index.html").as_uri()
        for width in (400, 1400):
            participant = Participant(self.browser, self)
            requests = self.browser.go("%s?participant=c%d&day=1" % (page, width), width)
            self.assertTrue(all(url.startswith(page.rsplit("/", 1)[0]) for url in requests), requests)
            screens = 0
            while screens < 4:
                seen = participant.wait(lambda seen: "button" in seen or "trial" in seen)
                if "button" in seen:
                    self.is_readable("page-%d" % screens, width)
                    participant.press("Enter")
                    participant.wait(lambda now: now.get("text") != seen["text"])
                else:
                    self.is_readable("trial", width)
                    participant.press(seen["words"][0][1])
                    self.browser.value("window.clearTimeout = window.setTimeout = () => 0")
                    participant.press("Enter")
                    participant.wait(lambda now: now.get("over"))
                    self.is_readable("answer", width)
                    break
                screens += 1
            self.assertEqual(self.browser.complaints(), [])

    def is_readable(self, name, width):
        if SCREENSHOTS:
            self.browser.screenshot(SCREENSHOTS / ("task-%s-%d.png" % (name, width)))
        self.assertLessEqual(self.browser.value("document.documentElement.scrollWidth"), width, name)
        for text, contrast, size in self.browser.value(TEXTS):
            self.assertGreaterEqual(contrast, 4.5, (name, text))
            self.assertGreaterEqual(size, 11, (name, text))

    def test_a_link_that_is_not_complete_is_told_and_an_id_is_asked_for(self):
        self.write("download")
        page = (self.folder / "study" / "index.html").as_uri()
        for wrong in ("?participant=../x&day=1", "?participant=a&day=4", "?participant=a&day=x"):
            self.browser.go(page + wrong, 1400)
            self.assertIn("not complete", self.browser.value("document.body.innerText"))
        self.browser.go(page + "?PROLIFIC_PID=p1&day=2", 1400)
        participant = Participant(self.browser, self)
        participant.wait(lambda seen: "button" in seen)
        self.browser.go(page, 1400)
        self.assertIn("participant ID", self.browser.value("document.body.innerText"))


if __name__ == "__main__":
    PROGRAM, SCREENSHOTS = chromium.told()
    unittest.main(verbosity=2)
