#!/usr/bin/env python3
"""Copy the pinned third-party browser files from their npm packages into static/vendor/.

    python tools/vendor.py           fetch with `npm pack`, copy, rewrite tools/vendor.lock.json
    python tools/vendor.py --check   no network: what is committed is what the lock and vendor.toml say

There is no Node build step. The lock keeps each package's tarball digest (sha512) and each copied file's size
and digest (sha384); a version whose tarball changed since it was locked is refused. Templates carry no
`integrity` attribute: the files are same-origin, and collectstatic rewrites url()s after this script ran, so the
check in CI is what protects them. Comments that point to source maps are removed, because the maps are not
shipped and the manifest storage would look for them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DESTINATION = HERE.parent / "static" / "vendor"
WANTED = HERE / "vendor.toml"
LOCK = HERE / "vendor.lock.json"


def digest_of(data: bytes, algorithm: str = "sha384") -> str:
    """The digest as a browser would write it: `sha384-<base64>`."""
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def without_source_map(data: bytes) -> bytes:
    """The file without its `sourceMappingURL` comment."""
    return re.sub(rb"\n?(//|/\*)# sourceMappingURL=[^\n]*", b"", data)


def member(package: tarfile.TarFile, path: str) -> bytes:
    """The bytes of one file of an npm package. Raises KeyError when the package has no such file."""
    found = package.extractfile(f"package/{path}")
    if found is None:
        raise KeyError(path)
    return found.read()


def sprite_of(package: tarfile.TarFile, icons: list[str]) -> bytes:
    """One SVG of `<symbol id="i-name">`s, which the pages carry inline ({% sprite %})."""
    symbols = []
    for name in sorted(icons):
        found = re.search(r"<svg[^>]*>(.*)</svg>", member(package, f"icons/{name}.svg").decode(), re.S)
        if found is None:
            raise ValueError(f"icons/{name}.svg is not an svg")
        drawing = re.sub(r"\s*\n\s*", "", found.group(1))
        symbols.append(f'<symbol id="i-{name}" viewBox="0 0 16 16" fill="currentColor">{drawing}</symbol>')
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


def copied_from(tarball: Path, wanted: dict[str, Any]) -> dict[str, bytes]:
    """Path below static/vendor/ -> bytes, for every file that vendor.toml asks of this package."""
    with tarfile.open(tarball) as package:
        files = {to: member(package, path) for path, to in wanted["files"].items()}
        if "sprite" in wanted:
            files[wanted["sprite"]] = sprite_of(package, wanted["icons"])
    return {
        to: without_source_map(data) if to.endswith((".js", ".css")) else data for to, data in files.items()
    }


def fetch() -> None:
    """Fetch every package, write its files and the lock. Ends with a sentence when a locked tarball changed."""
    before = json.loads(LOCK.read_text()) if LOCK.exists() else {}
    lock = {}
    for name, wanted in tomllib.loads(WANTED.read_text()).items():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["npm", "pack", "--silent", f"{name}@{wanted['version']}"],
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            tarball = next(Path(folder).glob("*.tgz"))
            digest = digest_of(tarball.read_bytes(), "sha512")
            locked = before.get(name, {})
            if locked.get("version") == wanted["version"] and locked["tarball"] != digest:
                sys.exit(f"{name}@{wanted['version']}: the tarball changed since it was locked")
            files = copied_from(tarball, wanted)
        for to, data in files.items():
            path = DESTINATION / to
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        lock[name] = {
            "version": wanted["version"],
            "license": wanted["license"],
            "tarball": digest,
            "files": {
                to: {"bytes": len(data), "integrity": digest_of(data)} for to, data in sorted(files.items())
            },
        }
    LOCK.write_text(json.dumps(lock, indent=2) + "\n")


def faults() -> list[str]:
    """One sentence for each way in which static/vendor/, the lock and vendor.toml disagree."""
    lock = json.loads(LOCK.read_text())
    wanted = tomllib.loads(WANTED.read_text())
    found = [
        f"{name}: in vendor.toml or in the lock, not in both" for name in sorted(lock.keys() ^ wanted.keys())
    ]
    locked: dict[str, str] = {}
    for name in sorted(lock.keys() & wanted.keys()):
        if lock[name]["version"] != wanted[name]["version"]:
            found.append(
                f"{name}: vendor.toml says {wanted[name]['version']}, the lock {lock[name]['version']}"
            )
        files = [*wanted[name]["files"].values(), *filter(None, [wanted[name].get("sprite")])]
        found += [f"{to}: wanted but not locked" for to in files if to not in lock[name]["files"]]
        if not any(Path(to).name.startswith("LICENSE") for to in files):
            found.append(f"{name}: no licence file is copied")
        locked.update({to: meta["integrity"] for to, meta in lock[name]["files"].items()})
    on_disk = {str(path.relative_to(DESTINATION)): path for path in DESTINATION.rglob("*") if path.is_file()}
    found += [f"{to}: locked but not on disk" for to in sorted(locked.keys() - on_disk.keys())]
    found += [f"{to}: on disk but not locked" for to in sorted(on_disk.keys() - locked.keys())]
    found += [
        f"{to}: differs from the lock"
        for to in sorted(locked.keys() & on_disk.keys())
        if digest_of(on_disk[to].read_bytes()) != locked[to]
    ]
    return found


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit("\n".join(faults()) or 0)
    fetch()
