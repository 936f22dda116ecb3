# SPDX-License-Identifier: Apache-2.0
"""Which Debian package a file is of, and the list of an image's parts as SPDX 2.3."""

import hashlib
import json
import re
import subprocess
import sys


def query(path):
    """`package:arch` that owns a file. dpkg may know it with or without /usr in front."""
    names = [path, path[4:] if path.startswith("/usr/") else "/usr" + path]
    for name in names:
        found = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(": ")[0].split(",")[0]
    sys.exit(f"pack: {path} belongs to no Debian package, so its origin and licence are not known")


def owners(files):
    """For {asked path: real file}: {asked path: (package without architecture, version)}."""
    result = {}
    for path, real in files.items():
        package = query(str(real))
        version = subprocess.run(
            ["dpkg-query", "-W", "-f=${Version}", package], check=True, capture_output=True, text=True
        ).stdout
        result[path] = (package.split(":")[0], version)
    return result


def identifier(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def package(name, version, supplier, locator, licence):
    return {
        "SPDXID": identifier("package-" + name),
        "name": name,
        "versionInfo": version,
        "supplier": supplier,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}
        ],
    }


def spdx(image, version, ours, packages, created):
    """`ours`: path → content; `packages`: name → (version, paths). Returns the document's bytes."""
    parts = [
        package("directfaas", version, "Organization: DirectFaaS", f"pkg:generic/directfaas@{version}", "Apache-2.0")
    ] + [
        package(name, number, "Organization: Debian", f"pkg:deb/debian/{name}@{number}?distro=debian-12", "NOASSERTION")
        for name, (number, _) in sorted(packages.items())
    ]
    files = [
        {
            "SPDXID": identifier("file" + path),
            "fileName": "." + path,
            "checksums": [
                {"algorithm": "SHA1", "checksumValue": hashlib.sha1(content).hexdigest()},
                {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()},
            ],
            "licenseConcluded": "Apache-2.0",
            "copyrightText": "NOASSERTION",
        }
        for path, content in sorted(ours.items())
    ]
    whole = hashlib.sha256(json.dumps([parts, files]).encode()).hexdigest()
    relations = [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": part["SPDXID"]}
        for part in parts
    ] + [
        {"spdxElementId": parts[0]["SPDXID"], "relationshipType": "CONTAINS", "relatedSpdxElement": file["SPDXID"]}
        for file in files
    ]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": image,
        "documentNamespace": f"https://directfaas.io/spdx/{whole}",
        "creationInfo": {"created": created, "creators": ["Tool: deploy/image/pack"]},
        "packages": parts,
        "files": files,
        "relationships": relations,
    }
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
