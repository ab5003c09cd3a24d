"""What set-up's tests share: a scratch checkout with tiny wheels in place of torch's, and an index that serves them."""

import base64
import functools
import hashlib
import http.server
import io
import json
import os
import pathlib
import random
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
import zipfile

# A pyenv or a module system may stand before it: programs in tests must be the real one.
PYTHON = sys.executable
ROOT = pathlib.Path(__file__).resolve().parents[2]
TORCH = "torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl"
RUNTIME = "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
NAME, PASSWORD = "reader@lab", "s3cr3t/p@ss"


def version_header(version="2.13.0"):
    parts = zip(("MAJOR", "MINOR", "PATCH"), version.split("."))
    return "".join(f"#define TORCH_VERSION_{name} {number}\n" for name, number in parts)


def wheel(name, files):
    """A wheel that pip accepts."""
    title, version = name.split("-")[:2]
    information = f"{title}-{version}.dist-info/"
    files = dict(files)
    files[information + "METADATA"] = f"Metadata-Version: 2.1\nName: {title.replace('_', '-')}\nVersion: {version}\n"
    files[information + "WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp312-none-any\n"
    files[information + "RECORD"] = ""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, contents in files.items():
            archive.writestr(path, contents)
    return buffer.getvalue()


@functools.lru_cache()
def tiny_wheels():
    noise = bytes(random.Random(0).getrandbits(8) for _ in range(1 << 18)) * 12
    torch = wheel(TORCH, {
        "torch/include/torch/headeronly/version.h": version_header(),
        "torch/lib/libtorch_cpu.so": noise,
        "torch/lib/libtorch.so": "tiny",
        "torch/lib/libc10.so": "tiny",
        "torch/lib/libgomp.so.1": "tiny",
        "torch/lib/libtorch_python.so": "not needed",
    })
    runtime = wheel(RUNTIME, {"nvidia/cu13/lib/libcudart.so.13": "tiny", "nvidia/cu13/lib/libcupti.so.13": "tiny"})
    return {TORCH: torch, RUNTIME: runtime}


class Index(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """An index on this machine. `requests` holds (path, Range, whether a password came)."""

    daemon_threads = True

    def __init__(self, files, password=None, as_json=False, files_elsewhere=None):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files, self.password, self.as_json, self.files_elsewhere = files, password, as_json, files_elsewhere
        self.requests, self.breaks, self.on_file = [], 0, lambda: None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def address(self, login=""):
        return f"http://{login}127.0.0.1:{self.server_address[1]}"

    def downloads(self, file=TORCH):
        return [request for request in self.requests if request[0].endswith(file)]


class _Answers(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        server, given = self.server, self.headers.get("Authorization")
        server.requests.append((self.path, self.headers.get("Range"), given is not None))
        if server.password and given != "Basic " + base64.b64encode(":".join(server.password).encode()).decode():
            self.answer(401, b"", [("WWW-Authenticate", 'Basic realm="index"')])
        elif self.path.startswith("/files/"):
            self.file(self.path[len("/files/"):])
        else:
            self.page(self.path.rstrip("/").rsplit("/", 1)[1])

    def page(self, project):
        files = {file: digest(data) for file, data in self.server.files.items()
                 if file.split("-")[0].replace("_", "-") == project}
        if not files:
            self.answer(404, b"")
        elif self.server.as_json and "json" in self.headers.get("Accept", ""):
            listed = [{"filename": file, "url": f"/files/{file}", "hashes": {"sha256": found}}
                      for file, found in files.items()]
            text = json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": listed})
            self.answer(200, text.encode(), [("Content-Type", "application/vnd.pypi.simple.v1+json")])
        else:
            text = "".join(f'<a href="../../files/{file}#sha256={found}">{file}</a>' for file, found in files.items())
            page = f"<!DOCTYPE html><html><body>{text}</body></html>"
            self.answer(200, page.encode(), [("Content-Type", "text/html")])

    def file(self, file):
        if self.server.files_elsewhere:
            self.answer(302, b"", [("Location", f"{self.server.files_elsewhere}/files/{file}")])
            return
        self.server.on_file()
        data, start = self.server.files[file], 0
        if self.headers.get("Range"):
            start = int(self.headers["Range"][len("bytes="):-1])
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.command == "GET":
            if self.server.breaks > 0:
                self.server.breaks -= 1
                self.wfile.write(data[start:start + len(data) // 4])
                self.connection.close()
            else:
                self.wfile.write(data[start:])

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Scene(unittest.TestCase):
    """A scratch checkout, whose set-up wants the tiny wheels, and an environment without the caller's settings."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ocs set-up ümlaut "))
        self.addCleanup(shutil.rmtree, str(self.folder), True)
        self.checkout, self.cache, self.home = (self.folder / name for name in ("checkout", "cache", "home"))
        shutil.copytree(str(ROOT / "set_up"), str(self.checkout / "set_up"))
        shutil.copy(str(ROOT / "set-up"), str(self.checkout / "set-up"))
        self.home.mkdir()
        self.files = dict(tiny_wheels())
        table = "".join(f"    _wheel({file!r}, {digest(data)!r}, {len(data)}),\n" for file, data in self.files.items())
        with open(str(self.checkout / "set_up" / "wheels.py"), "a") as wheels:
            wheels.write(f"\nCPU = [\n{table}]\nCPU_UNPACKED = 5_000_000\n")
        callers = ("PIP_", "LIBTORCH", "OCS_", "XDG_", "PYTHON", "NETRC", "VIRTUAL_ENV", "CARGO_TARGET_DIR")
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(callers) and not name.lower().endswith("_proxy")}
        self.environment.update(HOME=str(self.home), OCS_CACHE=str(self.cache), LC_ALL="C.UTF-8")
        self.tree = self.cache / "libtorch-2.13.0-cpu"

    def index(self, **options):
        index = Index(self.files, **options)
        self.addCleanup(index.server_close)
        self.addCleanup(index.shutdown)
        return index

    def start(self, **variables):
        environment = dict(self.environment, **variables)
        # Shells start what runs in the background deaf to SIGINT, and their children inherit it.
        hear = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        return subprocess.Popen([str(self.checkout / "set-up"), "--device", "cpu"], env=environment, preexec_fn=hear,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)

    def set_up(self, **variables):
        """Exit status and words."""
        process = self.start(**variables)
        words = process.communicate(timeout=120)[0]
        return process.returncode, words

    def succeeds(self, **variables):
        status, words = self.set_up(**variables)
        self.assertEqual(status, 0, words)
        self.assertTrue((self.checkout / "libtorch" / "torch" / "lib" / "libtorch_cpu.so").is_file(), words)
        self.assertEqual(list((self.cache / "downloads").iterdir()), [], "downloads are deleted once unpacked")
        self.assertFalse((self.tree / "torch" / "lib" / "libtorch_python.so").exists())
        return words

    def fails(self, *parts, **variables):
        status, words = self.set_up(**variables)
        self.assertEqual(status, 1, words)
        self.assertNotIn("Traceback", words)
        for part in parts:
            self.assertIn(part, words)
        return words
