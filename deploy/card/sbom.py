#!/usr/bin/env python3
"""Lists what a card image holds, as CycloneDX 1.5 JSON: Debian's packages and the program's crates.

    sbom.py NAME VERSION SHA256 STATUS FETCHED CARGO_LOCK > LIST.cdx.json

STATUS is the root's dpkg status, FETCHED has the same fields of packages that were only unpacked, and
CARGO_LOCK names the crates (all of the lock file: a few are for other systems or for tests).
"""
import datetime
import json
import os
import sys
import tomllib
import uuid
from urllib.parse import quote


def paragraphs(path):
    """Debian's control format: a dictionary a paragraph, continuation lines left out."""
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in [*lines, "\n"]:
            if not line.strip():
                if found:
                    yield found
                found = {}
            elif not line[0].isspace():
                key, _, value = line.partition(":")
                found[key] = value.strip()


def debian(package, scope):
    name, version, architecture = (package[key] for key in ("Package", "Version", "Architecture"))
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?arch={architecture}&distro=bookworm"
    source = package.get("Source", name).split(" ")[0]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "properties": [{"name": "debian:source", "value": source}, {"name": "sonolamp:place", "value": scope}],
    }


def crate(package):
    purl = f"pkg:cargo/{quote(package['name'])}@{quote(package['version'], safe='')}"
    component = {"type": "library", "bom-ref": purl, "name": package["name"], "version": package["version"], "purl": purl}
    if "checksum" in package:
        component["hashes"] = [{"alg": "SHA-256", "content": package["checksum"]}]
    return component


def main():
    name, version, digest, status, fetched, lock = sys.argv[1:]
    components = [
        debian(package, "root")
        for package in paragraphs(status)
        if package.get("Status", "").endswith(" installed") and package["Package"] != "sonolamp"
    ]
    components += [debian(package, "boot partition, kernel, initrd") for package in paragraphs(fetched)]
    with open(lock, "rb") as file:
        crates = tomllib.load(file)["package"]
    components += [crate(package) for package in crates if "source" in package]
    unique = {component["bom-ref"]: component for component in components}
    time = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    image = {
        "type": "firmware",
        "bom-ref": f"{name}@{version}",
        "name": name,
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        # By the content: the same image has the same list.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": image},
        "components": [unique[key] for key in sorted(unique)],
    }
    json.dump(bom, sys.stdout, indent=1)
    print()


main()
