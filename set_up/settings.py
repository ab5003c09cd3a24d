"""What the user told pip about indexes: addresses, passwords, certificates, proxies; read as pip reads it, so that the
same settings serve with and without pip. Everything else that pip can be told (user, target, require-virtualenv,
constraints, ...) is none of set-up's business and is kept away from it.
"""

import configparser
import netrc
import os
import pathlib
import sys
import urllib.parse

KEPT = ("index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "cert", "client-cert", "proxy",
        "timeout", "default-timeout", "retries", "keyring-provider", "use-feature", "use-deprecated")
PYPI = "https://pypi.org/simple"


def _files(environment):
    """pip's configuration files, later ones win."""
    own = environment.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return []
    home = pathlib.Path(environment.get("HOME") or "/")
    shared = environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    user = environment.get("XDG_CONFIG_HOME") or home / ".config"
    return ([os.path.join(folder, "pip", "pip.conf") for folder in reversed(shared.split(":"))]
            + ["/etc/pip.conf", home / ".pip" / "pip.conf", pathlib.Path(user) / "pip" / "pip.conf",
               pathlib.Path(sys.prefix) / "pip.conf"] + ([own] if own else []))


def _origin(url):
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


class Settings:
    def __init__(self, environment=os.environ):
        self.values = {}
        files = [parser for parser in map(_read, _files(environment)) if parser]
        for section in ("global", "download", "install"):
            for parser in files:
                if parser.has_section(section):
                    for key, value in parser.items(section):
                        self._take(key, value)
        for name, value in environment.items():
            if name.startswith("PIP_"):
                self._take(name[len("PIP_"):], value)
        self.base = {name: value for name, value in environment.items()
                     if not name.startswith("PIP_") and name not in ("PYTHONPATH", "PYTHONSTARTUP")}

    def _take(self, key, value):
        key = key.lower().replace("_", "-").lstrip("-")
        if key in KEPT and value.strip():
            self.values[key] = " ".join(value.split())

    def environment(self):
        """Variables for a pip of set-up's own: the kept settings and no other, from the environment or a file."""
        kept = {"PIP_" + key.upper().replace("-", "_"): value for key, value in self.values.items()}
        return dict(self.base, **kept, PIP_CONFIG_FILE=os.devnull, PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1")

    def indexes(self):
        if self.values.get("no-index", "0").lower() in ("1", "true", "yes", "on", "y", "t"):
            return []
        return [self.values.get("index-url", PYPI)] + self.values.get("extra-index-url", "").split()

    def certificates(self):
        return (self.values.get("cert") or self.base.get("REQUESTS_CA_BUNDLE") or self.base.get("CURL_CA_BUNDLE"))

    def credentials(self, url):
        """Name and password for `url`: its own, or those of the index on the same host, or netrc's."""
        for source in [url] + self.indexes():
            parts = urllib.parse.urlsplit(source)
            if _origin(source) == _origin(url) and parts.username is not None:
                return urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        host = urllib.parse.urlsplit(url).hostname
        home = self.base.get("HOME") or "/"
        for file in [self.base.get("NETRC"), os.path.join(home, ".netrc"), os.path.join(home, "_netrc")]:
            if file and os.path.exists(file):
                try:
                    found = netrc.netrc(file).authenticators(host)
                except (OSError, netrc.NetrcParseError):
                    return None  # as pip: a netrc that cannot be read holds nothing
                return (found[0], found[2] or "") if found else None
        return None


def _read(path):
    parser = configparser.RawConfigParser()
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            parser.read_file(file)
    except (OSError, configparser.Error):
        return None
    return parser
