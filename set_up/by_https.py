"""Bring a wheel from an index that speaks PEP 503 or PEP 691, with nothing but Python's own library. What an
interrupted download left is gone on with.
"""

import base64
import html.parser
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

from telling import NoWay, Trouble, megabytes, say, without_passwords

TRIES = 5
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _Links(html.parser.HTMLParser):
    """Addresses of a PEP 503 page."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        address = dict(attributes).get("href")
        if tag == "a" and address:
            self.found.append(address)


def _plain(error):
    """An error of the network in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        hint = " (name or password missing or wrong)" if error.code in (401, 403) else ""
        return f"the server answers {error.code} {error.reason}{hint}"
    return str(getattr(error, "reason", error)) or type(error).__name__


class Connection:
    """Opens addresses as the settings say."""

    def __init__(self, settings):
        self.settings = settings
        proxy = settings.values.get("proxy")
        proxies = urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else None)
        try:
            bundle = settings.certificates()
            folder = bool(bundle) and os.path.isdir(bundle)
            context = ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
            if settings.values.get("client-cert"):
                context.load_cert_chain(settings.values["client-cert"])
        except OSError as error:
            raise NoWay(f"the certificates in pip's settings cannot be read: {error}")
        self.opener = urllib.request.build_opener(proxies, urllib.request.HTTPSHandler(context=context))

    def open(self, url, headers):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise NoWay(f"{url} is not https")
        bare = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        request = urllib.request.Request(bare, headers=headers)
        known = self.settings.credentials(url)
        if known:
            code = base64.b64encode(":".join(known).encode()).decode()
            # Not for where the server redirects to: another host must not learn the password.
            request.add_unredirected_header("Authorization", "Basic " + code)
        timeout = float(self.settings.values.get("timeout") or self.settings.values.get("default-timeout") or 60)
        return self.opener.open(request, timeout=timeout)


def _locate(connection, wheel):
    """The wheel's address, from the first index that has it."""
    reasons = []
    for index in connection.settings.indexes():
        page = f"{index.rstrip('/')}/{wheel.name}/"
        accept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
        try:
            with connection.open(page, {"Accept": accept}) as answer:
                text = answer.read().decode("utf-8", "replace")
                base, kind = answer.geturl(), answer.headers.get("Content-Type", "")
            if "json" in kind:
                links = [file["url"] for file in json.loads(text)["files"]]
            else:
                parser = _Links()
                parser.feed(text)
                links = parser.found
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, NoWay) as error:
            reasons.append(f"{page}: {_plain(error)}")
            continue
        for link in links:
            address = urllib.parse.urldefrag(urllib.parse.urljoin(base, link))[0]
            if urllib.parse.unquote(address.rsplit("/", 1)[1]) == wheel.file:
                return address
        reasons.append(f"{page} has no {wheel.file}")
    raise NoWay("; ".join(reasons) or "pip's settings say no-index")


def _receive(connection, url, part, wheel):
    """Append what is missing to `part`."""
    have = part.stat().st_size if part.exists() else 0
    with connection.open(url, {"Range": f"bytes={have}-"} if have else {}) as answer:
        resumed = have > 0 and answer.status == 206
        if resumed:
            say(f"  going on at {megabytes(have)}")
        told = time.monotonic()
        with open(part, "ab" if resumed else "wb") as file:
            have = have if resumed else 0
            for block in iter(lambda: answer.read(1 << 20), b""):
                file.write(block)
                have += len(block)
                if time.monotonic() - told > 10:
                    told = time.monotonic()
                    say(f"  {wheel.name}: {megabytes(have)} of {megabytes(wheel.size)}")


def fetch(wheel, settings, part):
    """Bring all bytes of `wheel` to the file `part`.

    NoWay if the index does not give the file; Trouble if it began to and then stopped: what arrived is kept.
    """
    connection = Connection(settings)
    if not part.exists() or part.stat().st_size < wheel.size:
        url = _locate(connection, wheel)
    misses = 0
    while not part.exists() or part.stat().st_size < wheel.size:
        before = part.stat().st_size if part.exists() else 0
        try:
            _receive(connection, url, part, wheel)
            error = "the connection ended early"
        except urllib.error.HTTPError as refusal:
            if refusal.code < 500:
                raise NoWay(f"{url}: {_plain(refusal)}")
            error = _plain(refusal)
        except (OSError, http.client.HTTPException) as failure:
            error = _plain(failure)
        after = part.stat().st_size if part.exists() else 0
        if after >= wheel.size:
            return
        misses = 0 if after > before else misses + 1
        if misses == TRIES:
            if not after:
                raise NoWay(f"{url}: {error}")
            raise Trouble(f"could not download {without_passwords(url)}: {error}\n{megabytes(after)} of "
                          f"{megabytes(wheel.size)} are kept in {part}: run this again to go on")
        say(f"  {wheel.name}: {error}; trying again")
        time.sleep(1 + 2 * misses)
