#!/usr/bin/env bash
# Chromium 156: a disk quota that shrinks is noticed by IndexedDB only half a minute after the last write that fitted.
#
# A test that wants a full browser sets a quota of one byte (CDP Storage.overrideQuotaForOrigin), is told
# "overrideActive": true, and writes on. Where nothing was written before, the first put is refused. Where a put went
# through just before, IndexedDB remembers how much room there was and takes further ones for 30 s; a test that is over
# by then has tested nothing, and one on a slow machine suddenly has. navigator.storage.estimate() never tells of the
# override. The other way round it is at once: room that is given back is used by the next put. Deleting works all along.
#
# Takes the chromium (or google-chrome) of this machine; 40 s.
set -euo pipefail
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv v
v/bin/pip -q install playwright==1.65.2
"$browser" --version 2>/dev/null
BROWSER=$browser v/bin/python - <<'PY'
import os
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import sync_playwright

DO = """async what => {
  const opening = indexedDB.open("d");
  opening.onupgradeneeded = () => opening.result.createObjectStore("rows", {autoIncrement: true});
  await new Promise((done, fail) => { opening.onsuccess = done; opening.onerror = fail; });
  const write = opening.result.transaction("rows", "readwrite");
  const rows = write.objectStore("rows");
  what === "put" ? rows.put("x".repeat(1000)) : rows.clear();
  const end = await new Promise(done => {
    write.oncomplete = () => done("done");
    write.onabort = () => done(String(write.error?.name));
  });
  opening.result.close();
  return end;
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


Path("index.html").write_text("<title>x</title>")
server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory="."))
Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_port}"

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=os.environ["BROWSER"], args=["--no-sandbox"] if os.geteuid() == 0 else []
    )

    def fresh():
        page = browser.new_context().new_page()
        page.goto(origin)
        return page, page.context.new_cdp_session(page)

    page, session = fresh()
    session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1})
    nothing_before = page.evaluate(DO, "put")
    print("a quota of 1 byte, nothing written before:", nothing_before)

    page, session = fresh()
    assert page.evaluate(DO, "put") == "done"
    session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1})
    begun = time.monotonic()
    told = session.send("Storage.getUsageAndQuota", {"origin": origin})
    at_once = page.evaluate(DO, "put")
    taken = 1
    while page.evaluate(DO, "put") == "done" and time.monotonic() - begun < 120:
        taken += 1
        time.sleep(1)
    late = time.monotonic() - begun
    print(f"a put before: overrideActive {told['overrideActive']}, quota {told['quota']:.0f};", end=" ")
    print(f"{taken} puts of 1000 characters were taken, refused after {late:.0f} s")
    deleted = page.evaluate(DO, "clear")
    session.send("Storage.overrideQuotaForOrigin", {"origin": origin})
    again = page.evaluate(DO, "put")
    print(f"deleting while full: {deleted}; a put as soon as there is room: {again}")

assert nothing_before == "QuotaExceededError"
assert told["overrideActive"] and at_once == "done" and 20 < late < 60
assert (deleted, again) == ("done", "done")
PY
