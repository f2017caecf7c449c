"""How long the page takes: python benchmarks/web_times.py (after `make web`)

Paints a photograph at 256, 512 and 1024 pixels in Chromium, by WebAssembly with one thread and with
two, and through `impasto serve`. Prints the fastest of several runs as the page measures them, and
the processor seconds that they cost, which other programs on the machine do not change much.
"""

import argparse
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/web"))
import conftest as hosts
from playwright.sync_api import sync_playwright

from impasto.web.server import PageServer

SIZES = (256, 512, 1024)
TIME = """async (size) => {
    const { BrowserEngine } = await import('./engine-browser.js');
    const { ServerEngine } = await import('./engine-server.js');
    const served = document.querySelector('meta[name="impasto-engine"]').content === 'server';
    window.engine ??= served ? new ServerEngine() : new BrowserEngine();
    const style = (await (await fetch('styles.json')).json()).find(({ name }) => name === 'starry');
    await engine.open(new File([await (await fetch('sample.jpg')).blob()], 'sample.jpg'));
    return (await engine.stylize(style, size, { progress: () => {} })).seconds;
}"""


def processor_seconds(session: Any) -> float:
    """Of all processes of the browser, and of this one, which serves."""
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return sum(process["cpuTime"] for process in processes) + time.process_time()


def measure(browser: Any, name: str, address: str, *, runs: int) -> None:
    """Print a line a size."""
    session = browser.new_browser_cdp_session()
    context = browser.new_context(bypass_csp=True, service_workers="block")
    page = context.new_page()
    page.set_default_timeout(600_000)
    page.goto(address)
    page.evaluate(TIME, 256)  # loads and warms up
    for size in SIZES:
        walls, costs = [], []
        for _ in range(runs):
            before = processor_seconds(session)
            walls.append(page.evaluate(TIME, size))
            costs.append(processor_seconds(session) - before)
        load = os.getloadavg()[0]
        print(f"{name:<20} {size:>5} {min(walls):>8.2f} s {min(costs):>8.2f} s  load {load:.0f}")
    context.close()


def main() -> None:
    """Measure the three ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    isolated = type("Isolated", (hosts.Files,), {"headers_too": hosts.ISOLATION})
    with sync_playwright() as playwright, PageServer(backend="onnxruntime") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(
            executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        print(f"{'how':<20} {'size':>5} {'fastest':>10} {'processor':>10}")
        ways = {
            "wasm, one thread": hosts.host(type("Plain", (hosts.Files,), {})),
            "wasm, threads": hosts.host(isolated),
            "impasto serve": iter([server.address]),
        }
        for name, addresses in ways.items():
            measure(browser, name, next(addresses), runs=given.runs)
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()
