"""A small hostile site, behind a proxy port or by itself: what the tests browse."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOST = "shop.test"
HOME = """<!doctype html><title>Lamps</title>
<nav><a href="/b">Second</a></nav><h1>Blue <b>lamps</b></h1>
<a href="/b" target="_blank">Window</a><a href="/file.zip">File</a><a href="/away">Away</a><a href="/never">Never</a>
<a href="/empty">Nothing</a>
<form method="post" action="/post"><label>Name <input name="name" value="old"></label>
<select name="size" aria-label="Size"><option>small</option><option>large</option></select><button>Send</button></form>
<button onclick="alert('Sure?')">Ask</button><button onclick="while (true);">Hang</button>
<button onclick="setTimeout(() => { location = '/b' }, 100)">Later</button>
<ul><li>one</li><li><a href="/e">two</a></li></ul><img alt="picture" width="10" height="10">
<div style="margin-top: 2000px"><a href="/b">Far</a></div>"""


class Site(ThreadingHTTPServer):
    """The server; `forms` holds what was posted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.forms: list[str] = []
        self.pages: dict[str, str] = {"/": HOME, "/b": "<title>B</title><h1>The second page</h1>"}
        self.ending = threading.Event()

    @property
    def url(self) -> str:
        """Where it answers by itself, and as a proxy."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.netloc not in (HOST, ""):
            self._send("blocked", status=403)
        elif address.path == "/never":
            self.server.ending.wait(20)
        elif address.path == "/away":
            self._send("", status=302, location="http://evil.test/stolen")
        elif address.path == "/empty":
            self._send("", status=204)
        elif address.path == "/file.zip":
            self._send("PK", kind="application/zip")
        elif address.path == "/said":
            self._send("".join(f"<p class='said'>{form}</p>" for form in self.server.forms))
        else:
            self._send(self.server.pages.get(address.path, "<title>Missing</title>"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if urlsplit(self.path).path == "/rest/default/V1/integration/admin/token":
            self._send('"token"', kind="application/json")
            return
        self.server.forms.append(body)
        self._send("", status=302, location="/said")

    def _send(
        self, text: str, *, status: int = 200, kind: str = "text/html; charset=utf-8", location: str = ""
    ) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if location:
            self.send_header("Location", location)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words: object) -> None:
        return


@contextmanager
def running_site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        site.ending.set()
        site.shutdown()
        thread.join()
        site.server_close()
