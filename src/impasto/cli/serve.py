"""Stylize in a page of your browser: impasto serve

Opens a page where you drop a photograph and choose a style. Your photographs stay on this machine:
only programs on it can reach the page, and nothing is written to disk. Ctrl-C ends it.
"""

import webbrowser
from dataclasses import dataclass
from typing import Literal

from impasto.cli.process import run_command, stop_as_ctrl_c_does
from impasto.config.parser import Settings, parse, setting
from impasto.system import keep_freed_memory
from impasto.web.server import PageServer

PROGRAM = "impasto serve"


@dataclass(frozen=True, kw_only=True)
class ServeSettings(Settings):
    """What `impasto serve` takes."""

    port: int = setting(0, "port on 127.0.0.1, 0 takes one that is free", least=0, most=65535)
    browser: bool = setting(True, "open the page, --no-browser only prints its address")
    threads: int | None = setting(None, "of the processor [by cores]", least=1)
    backend: Literal["auto", "onnxruntime", "openvino"] = setting(
        "auto", "what runs a style, auto: openvino if installed"
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command until Ctrl-C; returns its exit code."""
    return run_command(PROGRAM, lambda: serve(argv))


def serve(argv: list[str] | None) -> int:
    """The work of the command, which Ctrl-C ends well."""
    keep_freed_memory(in_threads=True)
    stop_as_ctrl_c_does()
    try:
        settings = parse(ServeSettings, argv, description=__doc__, program=PROGRAM)
        with PageServer(
            port=settings.port, threads=settings.threads, backend=settings.backend
        ) as server:
            print(f"the page is at {server.address}")
            print("Ctrl-C ends it", flush=True)
            if settings.browser:
                webbrowser.open(server.address)
            server.serve_forever()
    except KeyboardInterrupt:
        print(f"\n{PROGRAM}: ended")
    return 0
