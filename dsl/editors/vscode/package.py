"""Builds the VS Code extension: ``python dsl/editors/vscode/package.py`` writes ``build/klapp-VERSION.vsix``.

Node's npm fetches what the lock file names (no script of a package is run), esbuild puts the client and its library into
one file, and this script packs them: a .vsix is a ZIP archive in the Open Packaging Conventions (ECMA-376, part 2) with
a manifest. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

HERE = Path(__file__).parent
LICENSE = HERE.parents[2] / "LICENSE"
SHIPPED = (
    "package.json",
    "README.md",
    "icon.png",
    "language-configuration.json",
    "snippets/klr.json",
    "syntaxes/klr.tmLanguage.json",
    "syntaxes/markdown.tmLanguage.json",
)
CONTENT_TYPES = {
    ".json": "application/json",
    ".js": "application/javascript",
    ".md": "text/markdown",
    ".png": "image/png",
    ".txt": "text/plain",
    ".vsixmanifest": "text/xml",
}
LONG_AGO = (1980, 1, 1, 0, 0, 0)


class Problem(Exception):
    """Something that stands in the way; the message says what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Build; returns the exit code."""
    options = argparse.ArgumentParser(description="Builds the VS Code extension into one .vsix file.")
    options.add_argument("--into", type=Path, default=HERE / "build", metavar="FOLDER", help="where the .vsix goes")
    into: Path = options.parse_args(arguments).into
    try:
        path = build(into)
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{path}\nInstall it with: code --install-extension {path}\n")
    return 0


def build(into: Path) -> Path:
    """Write the .vsix into a folder; returns its path. Raises Problem where it can not be built."""
    install()
    manifest = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        bundle, licences = bundled(Path(scratch))
    files = {f"extension/{name}": (HERE / name).read_bytes() for name in SHIPPED}
    files["extension/extension.js"] = bundle
    files["extension/LICENSE.txt"] = LICENSE.read_bytes()
    files["extension/THIRD-PARTY.txt"] = licences.encode()
    files["extension/package.json"] = json.dumps(installed_manifest(manifest), indent=2, ensure_ascii=False).encode()
    files["extension.vsixmanifest"] = package_manifest(manifest).encode()
    files["[Content_Types].xml"] = content_types(files).encode()
    into.mkdir(parents=True, exist_ok=True)
    path = into / f"klapp-{manifest['version']}.vsix"
    write_archive(path, files)
    return path


def install() -> None:
    """Bring ``node_modules`` to what the lock file says, unless it is there already."""
    wanted = sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = HERE / "node_modules" / ".of-lock-file"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    run("npm", "ci", "--no-progress", "--loglevel=error")
    stamp.write_text(wanted)


def bundled(scratch: Path) -> tuple[bytes, str]:
    """The client and its library as one file, and the licences of what is in it."""
    out, meta = scratch / "extension.js", scratch / "meta.json"
    run(
        str(HERE / "node_modules" / ".bin" / "esbuild"),
        "src/extension.js",
        "--bundle",
        "--platform=node",
        "--target=node20",
        "--external:vscode",
        "--minify",
        "--legal-comments=none",
        "--log-level=warning",
        f"--outfile={out}",
        f"--metafile={meta}",
    )
    inputs = json.loads(meta.read_text(encoding="utf-8"))["inputs"]
    return out.read_bytes(), "\n\n".join(licence(package) for package in packages_of(inputs))


def packages_of(inputs: Iterable[str]) -> list[Path]:
    """The folders of the packages that a bundle was made of, by name."""
    found = set()
    for name in inputs:
        head, mark, rest = name.rpartition("node_modules/")
        if mark:
            parts = rest.split("/")
            found.add(HERE / f"{head}{mark}" / "/".join(parts[: 2 if rest.startswith("@") else 1]))
    return sorted(found)


def licence(package: Path) -> str:
    """What a package's licence says. Raises Problem where it has none, for then it can not be shipped."""
    about = json.loads((package / "package.json").read_text(encoding="utf-8"))
    texts = sorted(path for path in package.iterdir() if path.name.lower().startswith(("license", "licence")))
    if not texts:
        raise Problem(f"{about['name']} comes without the text of its licence, so it can not be shipped.")
    return f"{about['name']} {about['version']} ({about['license']})\n\n{texts[0].read_text(encoding='utf-8').strip()}"


def installed_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest without what only the build needs."""
    return {name: value for name, value in manifest.items() if name not in ("private", "scripts", "devDependencies")}


def package_manifest(manifest: Mapping[str, Any]) -> str:
    """The ``extension.vsixmanifest``, in the form that VS Code reads."""
    identity = f"Id={quoteattr(manifest['name'])} Version={quoteattr(manifest['version'])} Publisher={quoteattr(manifest['publisher'])}"
    kinds = ",".join(manifest["extensionKind"])
    return f"""<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" {identity}/>
    <DisplayName>{escape(manifest["displayName"])}</DisplayName>
    <Description xml:space="preserve">{escape(manifest["description"])}</Description>
    <Tags>{escape(",".join(manifest["keywords"]))}</Tags>
    <Categories>{escape(",".join(manifest["categories"]))}</Categories>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value={quoteattr(manifest["engines"]["vscode"])}/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value={quoteattr(kinds)}/>
    </Properties>
    <License>extension/LICENSE.txt</License>
    <Icon>extension/icon.png</Icon>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code"/>
  </Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Icons.Default" Path="extension/icon.png" Addressable="true"/>
  </Assets>
</PackageManifest>
"""


def content_types(files: Iterable[str]) -> str:
    """The ``[Content_Types].xml`` for these files."""
    suffixes = sorted({Path(name).suffix for name in files})
    lines = "".join(f'  <Default Extension="{suffix}" ContentType="{CONTENT_TYPES[suffix]}"/>\n' for suffix in suffixes)
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<Types xmlns="{space}">\n{lines}</Types>\n'


def write_archive(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a ZIP archive that depends on nothing but the files; whole, or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in sorted(files.items()):
                    entry = zipfile.ZipInfo(name, LONG_AGO)
                    entry.external_attr = 0o644 << 16
                    archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def run(*command: str) -> None:
    """Run a program in this folder. Raises Problem where it is missing or fails."""
    program = shutil.which(command[0])
    if program is None:
        raise Problem(f"{command[0]} is missing. Install Node.js with npm, version 18 or newer, then run this again.")
    for pause in (0.1, 0.5, 2.0, 0.0):
        done = subprocess.run([program, *command[1:]], cwd=HERE, capture_output=True, text=True)
        if "ETXTBSY" not in done.stderr:
            break
        # A program that npm has just written is busy for as long as a process that was forked meanwhile has it open.
        time.sleep(pause)
    if done.returncode:
        raise Problem(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}".rstrip())


if __name__ == "__main__":
    sys.exit(main())
