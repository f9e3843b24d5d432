#!/usr/bin/env python3
"""Goes through docs/guide/tutorial.md as a reader would: runs its commands in order, makes the change that it makes, and
holds what it shows to what is printed; UPDATE=1 writes that into the page. The Rust of its last part is a doc test of
rpc-core."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVER = "cargo run -p shop-server"
ADDRESS = "127.0.0.1:7000"


class Reader:
    def __init__(self, page: str, folder: pathlib.Path) -> None:
        self.page = page
        self.folder = folder
        self.server: subprocess.Popen[str] | None = None
        # The project's own target, which the test of `rpc new` shares: the crates that it needs are built once.
        path = f"{TARGET / 'debug'}:{os.environ['PATH']}"
        self.environment = os.environ | {"PATH": path, "CARGO_TARGET_DIR": str(TARGET / "new-project")}

    def read(self, kind: str, text: str) -> None:
        print(f"-- {kind}: {text.splitlines()[0]}", flush=True)
        match kind:
            case "sh":
                for line in text.splitlines():
                    self.type(line.split("  #")[0].strip())
            case "console":
                for command in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                    line, _, shown = command.partition("\n")
                    self.see(shown, self.output(["bash", "-c", line]))
            case "diff":
                self.run(["patch", "-p0"], input=text)
                self.end_server()
                self.serve()
            case "python":
                (self.folder / "greet.py").write_text(text)
            case "rust" if "pub trait" in text:
                self.see(text, self.trait())
            case "rust" | "toml":
                pass
            case _:
                sys.exit(f"nobody knows what to do with a block of {kind}")

    def type(self, line: str) -> None:
        if line.startswith("cd "):
            self.folder /= line.removeprefix("cd ")
        elif line == SERVER:
            self.serve()
        else:
            self.run(["bash", "-c", line])
        if line.startswith("rpc new "):
            # What is locked here is known to build.
            shutil.copy(ROOT / "Cargo.lock", self.folder / line.split()[-1])

    def serve(self) -> None:
        # Built first, so that the process is the server itself and ends when it is asked to.
        self.run(["cargo", "build", "--quiet", "-p", "shop-server"])
        program = str(TARGET / "new-project" / "debug" / "shop-server")
        self.server = subprocess.Popen([program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.server.stdout is not None
        self.see(f"{ADDRESS}\n", self.server.stdout.readline())

    def end_server(self) -> None:
        if self.server is not None:
            self.server.terminate()
            self.server.wait(30)
            self.server = None

    def trait(self) -> str:
        """The trait of the new project, without what the page leaves out: comments, and the texts of errors."""
        lines = (self.folder / "api/src/lib.rs").read_text().splitlines(keepends=True)
        kept = "".join(line for line in lines if not re.match(r"\s*(//|#\[error)", line))
        kept = kept.replace(", thiserror::Error", "")
        return re.sub(r";\n\n(?=    fn)", ";\n", kept).lstrip()

    def run(self, command: list[str], input: str | None = None) -> str:
        ended = self.start(command, input)
        if ended.returncode != 0:
            sys.exit(f"{command} ended with {ended.returncode}:\n{ended.stdout}")
        return ended.stdout

    def output(self, command: list[str]) -> str:
        return self.start(command, None).stdout

    def start(self, command: list[str], input: str | None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            input=input or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
        )

    def see(self, shown: str, printed: str) -> None:
        if shown == printed:
            return
        if "UPDATE" in os.environ:
            self.page = self.page.replace(shown, printed, 1)
        else:
            sys.exit(f"the page shows\n{shown}\nand what there is, is\n{printed}")


def main() -> None:
    file = ROOT / "docs/guide/tutorial.md"
    page = file.read_text()
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(page, pathlib.Path(folder))
        try:
            for kind, text in BLOCK.findall(page):
                reader.read(kind, text)
        finally:
            reader.end_server()
    if "UPDATE" in os.environ:
        file.write_text(reader.page)


main()
