"""Where wheels come from: indexes with passwords, pip with the settings that people have, interrupted downloads."""

import os
import signal
import stat
import sys
import time
import unittest
import urllib.parse

from scene import NAME, PASSWORD, PYTHON, ROOT, TORCH, Scene

sys.path.insert(0, str(ROOT / "set_up"))

import by_pip
from telling import NoWay

LOGIN = urllib.parse.quote(NAME, safe="") + ":" + urllib.parse.quote(PASSWORD, safe="") + "@"


class Indexes(Scene):
    def netrc(self):
        file = self.home / ".netrc"
        file.write_text(f"machine 127.0.0.1 login {NAME} password {PASSWORD}\n")
        file.chmod(stat.S_IRUSR | stat.S_IWUSR)

    def only_pip(self):
        """Breaks the way by HTTPS, so that pip has to go."""
        self.needs_pip()
        self.close_https()

    def needs_pip(self):
        try:
            by_pip.find(self.environment)
        except NoWay as reason:
            self.skipTest(str(reason))

    def close_https(self):
        (self.checkout / "set_up" / "by_https.py").write_text(
            "from telling import NoWay\ndef fetch(*_):\n    raise NoWay('closed for this test')\n")

    def test_an_index_without_a_password(self):
        for as_json in (False, True):
            with self.subTest(as_json=as_json):
                self.setUp()
                index = self.index(as_json=as_json)
                words = self.succeeds(PIP_INDEX_URL=index.address() + "/simple")
                self.assertIn("Python 3.", words)

    def test_a_password_in_the_index_s_address_is_used_for_files_too_and_not_told(self):
        index = self.index(password=(NAME, PASSWORD))
        words = self.succeeds(PIP_INDEX_URL=index.address(LOGIN) + "/simple/")
        self.assertNotIn("s3cr3t", words)
        self.assertNotIn(LOGIN, words)

    def test_a_password_in_netrc(self):
        self.netrc()
        index = self.index(password=(NAME, PASSWORD))
        self.assertNotIn("s3cr3t", self.succeeds(PIP_INDEX_URL=index.address() + "/simple"))

    def test_an_index_in_pip_conf(self):
        index = self.index(password=(NAME, PASSWORD))
        for folder, section in ((".config/pip", "global"), (".pip", "install")):
            with self.subTest(folder=folder):
                (self.home / folder).mkdir(parents=True)
                settings = self.home / folder / "pip.conf"
                settings.write_text(f"[{section}]\nindex_url = {index.address(LOGIN)}/simple\n")
                self.succeeds()
                settings.unlink()
                os.rename(str(self.tree), str(self.folder / folder.replace("/", "-")))

    def test_a_further_index_has_what_the_first_has_not(self):
        empty, index = self.index(), self.index(password=(NAME, PASSWORD))
        empty.files = {}
        self.succeeds(PIP_INDEX_URL=empty.address() + "/simple", PIP_EXTRA_INDEX_URL=index.address(LOGIN) + "/simple")

    def test_an_index_of_another_kind_does_not_hide_the_next(self):
        index = self.index()
        for first in ("file:///nowhere", "http://index.example/simple", "not an address"):
            with self.subTest(first=first):
                self.setUp()
                self.succeeds(PIP_INDEX_URL=first, PIP_EXTRA_INDEX_URL=index.address() + "/simple")

    def test_a_wrong_password_is_said_and_not_told(self):
        index = self.index(password=(NAME, "another"))
        words = self.fails("401", "name or password", "by HTTPS", "by pip",
                           PIP_INDEX_URL=index.address(LOGIN) + "/simple")
        self.assertNotIn("s3cr3t", words)

    def test_a_redirect_to_another_host_does_not_carry_the_password(self):
        elsewhere = self.index()
        other_name = elsewhere.address().replace("127.0.0.1", "localhost")
        index = self.index(password=(NAME, PASSWORD), files_elsewhere=other_name)
        self.succeeds(PIP_INDEX_URL=index.address(LOGIN) + "/simple")
        self.assertEqual([request[2] for request in elsewhere.downloads()], [False])

    def test_pip_is_asked_where_https_leads_nowhere(self):
        self.only_pip()
        index = self.index(password=(NAME, PASSWORD))
        words = self.succeeds(PIP_INDEX_URL=index.address(LOGIN) + "/simple")
        self.assertIn("asking pip", words)
        self.assertNotIn("s3cr3t", words)

    def test_pip_s_settings_that_are_none_of_set_up_s_business_do_not_stop_it(self):
        self.only_pip()
        index = self.index()
        (self.home / ".config" / "pip").mkdir(parents=True)
        (self.home / ".config" / "pip" / "pip.conf").write_text(
            f"[global]\nindex-url = {index.address()}/simple\nrequire-virtualenv = true\nuser = true\n"
            "no-binary = :all:\nconstraint = /nowhere/constraints.txt\n[install]\nuser = true\ntarget = /nowhere\n"
            "[download]\nplatform = win_amd64\ndest = /nowhere\n")
        self.succeeds(PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1", PIP_TARGET="/nowhere", PIP_PREFIX="/nowhere",
                      PIP_NO_BINARY=":all:", PIP_CONSTRAINT="/nowhere", PIP_DRY_RUN="1", PIP_PYTHON="/nowhere",
                      PYTHONPATH="/nowhere")

    def test_pip_finds_the_password_in_netrc(self):
        self.only_pip()
        self.netrc()
        index = self.index(password=(NAME, PASSWORD))
        self.succeeds(PIP_INDEX_URL=index.address() + "/simple")

    def test_files_in_a_folder_and_no_index(self):
        self.needs_pip()
        shelf = self.folder / "shelf"
        shelf.mkdir()
        for file, data in self.files.items():
            (shelf / file).write_bytes(data)
        (self.home / ".pip").mkdir()
        (self.home / ".pip" / "pip.conf").write_text(
            f"[global]\nno-index = true\nfind-links =\n    {shelf.as_uri()}\n")
        self.assertIn("no-index", self.succeeds())

    def test_without_any_pip_the_index_is_enough(self):
        (self.checkout / "set_up" / "by_pip.py").write_text(
            "def fetch(*_):\n    raise AssertionError('pip was asked')\n")
        index = self.index()
        self.succeeds(PIP_INDEX_URL=index.address() + "/simple")

    def test_pips_that_cannot_are_named(self):
        programs = self.folder / "programs"
        programs.mkdir()
        for name, answer in (("python3", 'case "$*" in *pip*) echo pip 18.1 from here;; *) exec "$REAL" "$@";; esac'),
                             ("pip3", "echo pip 20.2.4 from there"), ("pip", "exit 1")):
            (programs / name).write_text(f"#!/bin/sh\n{answer}\n")
            (programs / name).chmod(0o755)
        self.close_https()
        by_pip = self.checkout / "set_up" / "by_pip.py"
        by_pip.write_text(by_pip.read_text().replace("sys.executable", repr(str(programs / "python3"))))
        self.fails("pip 20 or newer is needed", "18.1", "pip3 is 20.2", REAL=PYTHON,
                   PATH=f"{programs}:{self.environment['PATH']}")

    def test_other_bytes_under_the_name_are_refused(self):
        index = self.index()
        index.files = dict(self.files)
        index.files[TORCH] = self.files[TORCH][:-1] + b"?"
        self.fails("SHA-256", "deleted", PIP_INDEX_URL=index.address() + "/simple")
        self.assertFalse(self.tree.exists())
        self.only_pip()
        self.fails("pip says", PIP_INDEX_URL=index.address() + "/simple")

    def test_a_connection_that_breaks_is_gone_on_with(self):
        index = self.index()
        index.breaks = 2
        self.succeeds(PIP_INDEX_URL=index.address() + "/simple")
        quarter = len(self.files[TORCH]) // 4
        self.assertEqual([request[1] for request in index.downloads()],
                         [None, f"bytes={quarter}-", f"bytes={2 * quarter}-"])

    def test_an_interrupted_set_up_goes_on_where_it_stopped(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=number):
                self.setUp()
                index = self.index()
                index.breaks = 1
                process = self.start(PIP_INDEX_URL=index.address() + "/simple")
                part = self.cache / "downloads" / (TORCH + ".part")
                while not (part.exists() and part.stat().st_size):
                    time.sleep(0.01)
                process.send_signal(number)
                words = process.communicate()[0]
                self.assertNotIn("Traceback", words)
                (self.cache / "libtorch-2.13.0-cpu.half").mkdir()  # as a kill while unpacking leaves one
                words = self.succeeds(PIP_INDEX_URL=index.address() + "/simple")
                self.assertIn("going on", words)
                self.assertTrue(index.downloads()[-1][1].startswith("bytes="))
                self.assertFalse((self.cache / "libtorch-2.13.0-cpu.half").exists())


if __name__ == "__main__":
    unittest.main()
