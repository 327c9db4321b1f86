"""`python -m tests.audit PIP_AUDIT`: whether a pinned package has a known vulnerability, by pip-audit.

Exits with 0 where every package was looked up and none has, with 1 where one has, and with 3 where no service could be
asked about all of them. pip-audit itself exits with 0 where it found nothing out, so what it says is read here.
"""

import json
import subprocess
import sys
import tempfile

from tests import pins

SERVICES = ("osv", "pypi")
PATIENCE = 300
"""Seconds for one service and all packages."""
FOUND, NOT_ASKED = 1, 3
LOUD = """
************************************************************************
*  NOT AUDITED: no vulnerability service could be asked about          *
*  {what}
*  Run `make audit` where api.osv.dev or pypi.org can be reached.      *
************************************************************************
"""


def ask(pip_audit: str, service: str, packages: list[str]) -> list[dict] | None:
    """What a service knows of each package; None where it cannot be reached."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as written:
        written.write("\n".join(packages))
        written.flush()
        options = ["--vulnerability-service", service, "--requirement", written.name, "--format", "json"]
        try:
            done = subprocess.run(
                [pip_audit, *options, "--no-deps", "--disable-pip", "--progress-spinner", "off"],
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
            return json.loads(done.stdout)["dependencies"]
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None


def main(pip_audit: str) -> int:
    packages = sorted({f"{each.name}{each.specifier}" for each in pins.with_the_tests()})
    unknown = set(packages)
    vulnerable: dict[str, set[str]] = {}
    for service in SERVICES:
        for package in ask(pip_audit, service, packages) or []:
            if "skip_reason" in package:
                continue
            pin = f"{package['name']}=={package['version']}"
            unknown -= {each for each in unknown if each.lower() == pin.lower()}
            if package["vulns"]:
                vulnerable.setdefault(pin, set()).update(each["id"] for each in package["vulns"])
        if not unknown:
            break
    for pin, found in sorted(vulnerable.items()):
        print(f"VULNERABLE: {pin}: {', '.join(sorted(found))}")
    if vulnerable:
        return FOUND
    if unknown:
        what = f"{len(unknown)} of {len(packages)} packages."
        print(LOUD.format(what=f"{what:<68}*"))
        return NOT_ASKED
    print(f"No known vulnerability in {len(packages)} packages.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
