"""What stands on a terminal: progress of training, and `ocs watch`, which draws, draws anew when another process has trained on,
and gives the terminal back.

Usage: test_terminal.py PROGRAM [TEST ...]
"""

import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import fcntl
import time
import unittest

PROGRAM = pathlib.Path("target/release/ocs").resolve()
CONFIG = """
task: {inputs: glyphs, samples: {train: 160, test: 80}}
network: {kind: mlp, hidden: [16], initialisation: {kaiming: {gain: 0.5}}}
training: {steps: 200, batch_size: 16, learning_rate: 0.05, observations: 20}
seeds: [0, 1]
"""
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"
LIMIT = 30


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, folder, *arguments, columns=100, rows=40):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.seen = ""
        self.program = subprocess.Popen([str(PROGRAM), *arguments], cwd=str(folder), stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, env=dict(os.environ, TERM="xterm-256color"))

    def read(self, seconds):
        end = time.time() + seconds
        while time.time() < end and select.select([self.master], [], [], max(0, end - time.time()))[0]:
            self.seen += os.read(self.master, 1 << 16).decode(errors="replace")

    def until(self, words):
        """Waits until these words were drawn; where nothing stands, the cursor moves on."""
        end = time.time() + LIMIT
        drawn = ""
        while words.replace(" ", "") not in drawn:
            assert time.time() < end, "%r was never drawn:\n%s" % (words, drawn[:1000])
            self.read(0.1)
            drawn = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.seen).replace(" ", "")

    def type(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """The exit status, after all was read."""
        limit = time.time() + LIMIT
        while self.program.poll() is None and time.time() < limit:
            self.read(0.1)
        self.read(0.1)
        status = self.program.wait(1)
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is another than before"
        os.close(self.slave)
        os.close(self.master)
        return status


class OnATerminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.kept.name)
        (cls.folder / "mine.yaml").write_text(CONFIG)
        subprocess.run([str(PROGRAM), "train", "mine.yaml", "-q"], cwd=str(cls.folder), check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def test_keys_turn_to_other_runs_and_every_way_out_gives_the_terminal_back(self):
        for way, expected in (("q", 0), ("\x1b", 0), ("\x03", 0), (signal.SIGTERM, 143), (signal.SIGINT, 130)):
            terminal = Terminal(self.folder, "watch", "runs/mine")
            terminal.until("seed 0  (run 1 of 2)")
            terminal.until("step 200 of 200, complete")
            terminal.type("n")
            # Of "seed 0  (run 1 of 2)" the digits alone are drawn anew.
            terminal.read(0.5)
            self.assertRegex(terminal.seen, r"\x1b\[1;\d+H1\x1b\[1;\d+H2")
            if isinstance(way, str):
                terminal.type(way)
            else:
                terminal.program.send_signal(way)
            self.assertEqual(terminal.end(), expected, way)
            self.assertLess(terminal.seen.rindex(ENTERED), terminal.seen.rindex(LEFT))

    def test_a_window_that_is_closed_ends_it(self):
        terminal = Terminal(self.folder, "watch", "runs/mine")
        terminal.until("step 200 of 200, complete")
        os.close(terminal.slave)
        os.close(terminal.master)
        self.assertNotEqual(terminal.program.wait(LIMIT), 0)

    def test_training_tells_its_pace_the_time_left_and_the_newest_moment(self):
        (self.folder / "told.yaml").write_text(CONFIG.replace("steps: 200, ", "steps: 300000, "))
        terminal = Terminal(self.folder, "train", "told.yaml", "--overwrite")
        for words in ("steps/s,", " left", "default, seed ", ": M 0.", ", V ", ", TNR_1 0."):
            terminal.until(words)
        # A second Ctrl-C would end it at once.
        terminal.program.send_signal(signal.SIGINT)
        self.assertEqual(terminal.end(), 130)

    def test_a_run_of_another_process_is_drawn_anew_as_it_goes_on(self):
        (self.folder / "long.yaml").write_text(CONFIG.replace("steps: 200", "steps: 100000"))
        training = subprocess.Popen([str(PROGRAM), "train", "long.yaml", "-q", "--checkpoint-every", "0.2", "--overwrite"],
                                    cwd=str(self.folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            limit = time.time() + LIMIT
            while not list(self.folder.glob("runs/long/default/*.json")) and time.time() < limit:
                time.sleep(0.05)
            terminal = Terminal(self.folder, "watch", "runs/long", "--every", "0.2")
            terminal.until("running: process %d" % training.pid)
            drawn = len(terminal.seen)
            terminal.read(1.5)
            self.assertGreater(len(terminal.seen), drawn, "nothing was drawn anew")
            terminal.type("q")
            self.assertEqual(terminal.end(), 0)
        finally:
            training.send_signal(signal.SIGTERM)
            self.assertEqual(training.wait(LIMIT), 143, "whoever watches is in nobody's way")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
