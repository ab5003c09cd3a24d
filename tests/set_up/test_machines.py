"""What is there already: other set-ups, running builds, a libtorch of the user's own, old Pythons."""

import fcntl
import os
import shutil
import subprocess
import time
import unittest

from scene import PYTHON, Scene, version_header


class TwoAtOnce(Scene):
    def test_two_set_ups_download_once(self):
        index = self.index()
        index.on_file = lambda: time.sleep(1)
        address = index.address() + "/simple"
        both = [self.start(PIP_INDEX_URL=address) for _ in range(2)]
        words = [process.communicate(timeout=120)[0] for process in both]
        self.assertEqual([process.returncode for process in both], [0, 0], words)
        self.assertEqual(len(index.downloads()), 1)
        self.assertEqual(sum("another set-up is at work" in text for text in words), 1, words)
        self.assertEqual(list((self.cache / "downloads").iterdir()), [])

    def test_a_running_build_is_waited_for_before_its_libtorch_changes(self):
        address = self.index().address() + "/simple"
        os.symlink("elsewhere", str(self.checkout / "libtorch"))
        (self.checkout / "target" / "release").mkdir(parents=True)
        with open(str(self.checkout / "target" / "release" / ".cargo-lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = self.start(PIP_INDEX_URL=address)
            while "cargo is building here" not in process.stdout.readline():
                self.assertIsNone(process.poll())
            time.sleep(0.3)
            self.assertIsNone(process.poll())
            self.assertEqual(os.readlink(str(self.checkout / "libtorch")), "elsewhere")
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(os.readlink(str(self.checkout / "libtorch")), str(self.tree))

    def test_a_set_up_that_has_nothing_to_do_waits_for_nobody(self):
        self.succeeds(PIP_INDEX_URL=self.index().address() + "/simple")
        with open(str(self.cache / "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertEqual(self.set_up(), (0, ""))

    def test_a_cache_that_lost_files_is_filled_anew(self):
        address = self.index().address() + "/simple"
        for lost in ("torch/lib/libtorch_cpu.so", "nvidia/cu13/lib/libcupti.so.13", "torch/include"):
            self.succeeds(PIP_INDEX_URL=address)
            path = self.tree / lost
            shutil.rmtree(str(path)) if path.is_dir() else path.unlink()
            self.assertIn("not whole", self.succeeds(PIP_INDEX_URL=address))
            self.assertTrue(path.exists())


    def test_what_the_build_will_miss_is_said_before_the_download(self):
        words = self.succeeds(PIP_INDEX_URL=self.index().address() + "/simple", CXX="no-such-compiler -O2")
        self.assertIn("warning: there is no no-such-compiler on PATH", words)
        self.assertLess(words.index("no-such-compiler"), words.index("downloading"))

    def test_too_full_a_disk_is_said_before_the_download(self):
        with open(str(self.checkout / "set_up" / "wheels.py"), "a") as wheels:
            wheels.write("CPU_UNPACKED = 10 ** 18\n")
        index = self.index()
        self.fails("are needed while unpacking", "OCS_CACHE", PIP_INDEX_URL=index.address() + "/simple")
        self.assertEqual(index.requests, [])


class OwnLibtorch(Scene):
    def libtorch(self, version="2.13.0", header="torch/headeronly/version.h"):
        folder = self.folder / f"libtorch {version}"
        (folder / "include" / header).parent.mkdir(parents=True)
        (folder / "include" / header).write_text(version_header(version))
        (folder / "lib").mkdir()
        for library in ("libtorch_cpu.so", "libtorch.so", "libc10.so"):
            (folder / "lib" / library).write_text("")
        return folder

    def test_the_right_version_is_taken(self):
        for header in ("torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"):
            folder = self.libtorch(header=header)
            status, words = self.set_up(LIBTORCH=str(folder))
            self.assertEqual(status, 0, words)
            self.assertEqual(os.path.realpath(str(self.checkout / "libtorch" / "torch")), str(folder))
            shutil.move(str(folder), str(self.folder / "was here"))
            shutil.rmtree(str(self.folder / "was here"))

    def test_usr_and_empty_and_missing_folders_are_refused(self):
        empty = self.folder / "empty"
        empty.mkdir()
        self.fails("LIBTORCH", "/usr", "2.13.0", "unset LIBTORCH", LIBTORCH="/usr")
        self.fails("LIBTORCH", str(empty), "unset LIBTORCH", LIBTORCH=str(empty))
        self.fails("no folder", "unset LIBTORCH", LIBTORCH="/nowhere")

    def test_another_version_is_refused_before_anything_is_compiled(self):
        folder = self.libtorch("2.11.0")
        self.fails("2.11.0", "2.13.0", "unset LIBTORCH", LIBTORCH=str(folder))
        self.fails("2.11.0", "2.13.0", LIBTORCH=str(self.libtorch()), LIBTORCH_INCLUDE=str(folder))
        status, words = self.set_up(LIBTORCH=str(folder), LIBTORCH_BYPASS_VERSION_CHECK="1")
        self.assertEqual(status, 0, words)
        self.assertIn("warning: your libtorch is 2.11.0", words)

    def test_headers_without_libraries_are_refused(self):
        folder = self.libtorch()
        (folder / "lib" / "libtorch_cpu.so").unlink()
        self.fails("libtorch_cpu.so", "unset LIBTORCH", LIBTORCH=str(folder))

    def test_paths_that_cargo_would_misread_are_refused(self):
        for value in ("", "libtorch", "~/libtorch", "./libtorch"):
            self.fails("LIBTORCH is " + repr(value), "begins with /", LIBTORCH=value)
        self.fails("LIBTORCH_LIB is '~/lib'", LIBTORCH=str(self.libtorch()), LIBTORCH_LIB="~/lib")

    def test_a_python_s_torch(self):
        self.fails("LIBTORCH_USE_PYTORCH", "counts as yes", LIBTORCH_USE_PYTORCH="0")
        programs = self.folder / "programs"
        folder = self.libtorch()
        for python, variables in (("python3", {}), ("python", {"VIRTUAL_ENV": "/some/venv"})):
            shutil.rmtree(str(programs), ignore_errors=True)
            programs.mkdir()
            for version, status in (("2.13.0+cpu", 0), ("2.11.0", 1)):
                (programs / python).write_text(
                    f'#!/bin/sh\ncase "$2" in *torch*) echo {version}; echo "{folder}";; *) exec {PYTHON} "$@";; esac\n')
                (programs / python).chmod(0o755)
                path = f"{programs}:{os.environ['PATH']}"
                found, words = self.set_up(LIBTORCH_USE_PYTORCH="1", PATH=path, **variables)
                self.assertEqual(found, status, words)
                self.assertIn("2.11.0; 2.13.0 is needed" if status else "your own libtorch", words)


class Pythons(Scene):
    def programs(self, **answers):
        folder = self.folder / "programs"
        folder.mkdir(exist_ok=True)
        for name in ("dirname", "sh", "tail"):
            if not (folder / name).exists():
                (folder / name).symlink_to(shutil.which(name))
        for name, answer in answers.items():
            path = folder / name.replace("_", ".")
            path.write_text(f"#!/bin/sh\n{answer}\n")
            path.chmod(0o755)
        return str(folder)

    def run_with(self, path):
        answer = subprocess.run([str(self.checkout / "set-up"), "--help"], env={"PATH": path}, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, universal_newlines=True)
        return answer.returncode, answer.stdout

    def test_no_python_at_all(self):
        status, words = self.run_with(self.programs())
        self.assertEqual(status, 1)
        self.assertIn("Python 3.6 or newer is needed; found: none", words)

    def test_old_and_incomplete_pythons_are_named(self):
        status, words = self.run_with(self.programs(python3="echo is 3.5 >&2; exit 1", python="echo is 2.7 >&2; exit 1",
                                                    python3_9="echo 'was built without a module: ssl' >&2; exit 1"))
        self.assertEqual(status, 1)
        for part in ("python3 is 3.5", "python is 2.7", "python3.9 was built without a module: ssl", "install"):
            self.assertIn(part, words)

    def test_a_newer_python_beside_an_old_one_is_taken(self):
        status, words = self.run_with(self.programs(python3="exit 1", python3_11=f'exec "{PYTHON}" "$@"'))
        self.assertEqual(status, 0, words)
        self.assertIn("--device", words)


if __name__ == "__main__":
    unittest.main()
