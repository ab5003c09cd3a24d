"""The page that `ocs reproduce` and `ocs report` write, in a real browser: narrow and wide, light and dark.

Usage: test_report.py PROGRAM [--screenshots FOLDER] [TEST ...]; installs Debian's chromium where it is missing.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import chromium  # noqa: E402

PROGRAM = None
SCREENSHOTS = None

OWN = """
training: {steps: 300, learning_rate: 0.02, observations: 20}
conditions: {none: {network.bias: none}, everywhere: {label: "a < b & c", network.bias: all}}
seeds: [0, 1]
"""
# Of every text that is seen: its contrast with what lies behind it (WCAG 2), and its size.
TEXTS = """(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(x => x / 255).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => { for (; node; node = node.parentElement) {
    const colour = parts(getComputedStyle(node).backgroundColor); if (colour.length < 4 || colour[3] > 0) return colour; }
    return [255, 255, 255]; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), node = walker.currentNode.parentElement;
    if (!text || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(parts(style.color)), light(behind(node))];
    found.push([text.slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), parseFloat(style.fontSize)]);
  }
  return found;
})()"""


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.kept.name)
        (folder / "mine.yaml").write_text(OWN)

        def ocs(*arguments, statuses=(0,)):
            done = subprocess.run([str(PROGRAM), *arguments], cwd=str(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  universal_newlines=True)
            assert done.returncode in statuses, done.stderr
            return done.stdout

        # A claim may fail in so few steps: the page says so.
        ocs("reproduce", "--quick", "ocs_linear", "ocs_modes", statuses=(0, 1))
        ocs("train", "mine.yaml")
        ocs("report", "runs/mine", "runs/quick/ocs_linear")
        cls.pages = {"index": folder / "plots" / "quick" / "index.html", "report": folder / "plots" / "report.html"}
        cls.browser = chromium.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.kept.cleanup()

    def test_both_pages_are_whole_and_readable_narrow_and_wide_light_and_dark_without_a_network(self):
        for name, path in self.pages.items():
            for width in (400, 1400):
                for scheme in ("light", "dark"):
                    with self.subTest(page=name, width=width, scheme=scheme):
                        self.is_readable(name, path, width, scheme)

    def is_readable(self, name, path, width, scheme):
        self.assertEqual(self.browser.open(path, width, scheme), [path.as_uri()], "nothing but the page is asked for")
        self.assertEqual(self.browser.complaints(), [])
        if SCREENSHOTS:
            self.browser.screenshot(SCREENSHOTS / ("%s-%d-%s.png" % (name, width, scheme)))
        images = self.browser.value("Array.from(document.images).map(i => [i.complete, i.naturalWidth, i.clientWidth, i.alt])")
        self.assertGreaterEqual(len(images), 2)
        for is_complete, natural, shown, alt in images:
            self.assertTrue(is_complete and natural > 500 and alt, alt)
            # A narrow window scrolls within a figure, whose letters would be dust.
            self.assertGreater(shown, max(700, width * 0.75))
        # Nothing is wider than the window but what can be scrolled within it.
        self.assertLessEqual(self.browser.value("document.documentElement.scrollWidth"), width)
        texts = self.browser.value(TEXTS)
        self.assertGreater(len(texts), 100)
        for text, contrast, size in texts:
            self.assertGreaterEqual(contrast, 4.5, text)
            self.assertGreaterEqual(size, 12.5, text)
        paper = self.browser.value("getComputedStyle(document.body).backgroundColor")
        self.assertEqual(paper == "rgb(255, 255, 255)", scheme == "light")

    def test_a_page_has_question_figure_claims_settings_and_commands_and_no_script(self):
        self.browser.open(self.pages["index"], 1000, "light")
        self.assertEqual(self.browser.value("document.scripts.length"), 0)
        self.assertEqual(self.browser.value("Array.from(document.querySelectorAll('main > section')).map(s => s.id)"),
                         ["ocs_linear", "ocs_modes"])
        links = self.browser.value("Array.from(document.links).map(a => document.querySelector(a.hash) !== null)")
        self.assertTrue(links and all(links), "a link leads nowhere")
        linear = self.browser.value("document.querySelector('#ocs_linear').innerText")
        for words in ("Do linear networks with biases visit the OCS first?", "measured", "criterion", "holds",
                      "network.bias", "ocs reproduce ocs_linear --quick", "libtorch", "s of training"):
            self.assertIn(words, linear)
        self.assertGreater(self.browser.value("document.querySelectorAll('#ocs_linear .claim').length"), 3)
        self.assertIn("optimal constant solution", self.browser.value("document.querySelector('#glossary').innerText"))
        whole = self.browser.value("document.querySelector('#ocs_linear details pre').textContent")
        self.assertIn("phase_threshold: 0.1", whole)

    def test_runs_of_ones_own_are_told_by_condition_and_names_are_no_markup(self):
        self.browser.open(self.pages["report"], 1000, "light")
        rows = self.browser.value("Array.from(document.querySelectorAll('#mine table')[0].rows).map(r => r.cells[0].innerText)")
        self.assertEqual(rows, ["condition", "none", "a < b & c"])
        self.assertIn("ocs plot runs/mine --general", self.browser.value("document.querySelector('#mine').innerText"))


if __name__ == "__main__":
    PROGRAM, SCREENSHOTS = chromium.told()
    unittest.main(verbosity=2)
