"""Ask pip-audit whether anything that is installed has a known vulnerability. `make check` calls it.

Exit status 1 where there is one that nobody has accepted below. Where no database of pip-audit's can be reached, as in
a network without the internet, it says so and passes.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

#: Known vulnerabilities that don't concern us, each with the reason; there are none.
ACCEPTED: Final[Mapping[str, str]] = {}

#: Databases of vulnerabilities that pip-audit can ask, in this order.
SERVICES: Final = ("pypi", "osv")

#: A version with a vulnerability that is known for certain: whoever finds none of it has no data.
CONTROL: Final = "jinja2==2.4.1"

PROBE_S: Final = 60
AUDIT_S: Final = 600


def main() -> int:
    service = next((one for one in SERVICES if _has_data(one)), None)
    if service is None:
        print("audit: skipped, since none of pip-audit's databases can be reached from here")
        return 0
    ignored = [argument for name in ACCEPTED for argument in ("--ignore-vuln", name)]
    found = _audit(["--service", service, "--skip-editable", *ignored], AUDIT_S)
    if found is None:
        print("audit: pip-audit failed half-way; run it by hand: .venv/bin/pip-audit --skip-editable")
        return int(os.environ.get("CI") == "true")
    print(told(found))
    return int(bool(_vulnerable(found)))


def told(found: list[dict[str, Any]]) -> str:
    """What was found, a line each; `found` is pip-audit's list of dependencies."""
    unknown = [one["name"] for one in found if "skip_reason" in one]
    lines = [f"audit: {len(found) - len(unknown)} packages have been looked up"]
    lines += [f"audit: not known there: {', '.join(unknown)}"] if unknown else []
    for one in _vulnerable(found):
        for known in one["vulns"]:
            cure = (
                f"upgrade to {' or '.join(known['fix_versions'])}" if known["fix_versions"] else "there is no fix yet"
            )
            lines.append(f"audit: {one['name']} {one['version']} has {known['id']}: {cure}")
    return "\n".join(lines)


def _vulnerable(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in found if one.get("vulns")]


def _has_data(service: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "requirements.txt"
        control.write_text(f"{CONTROL}\n")
        asked = ["--service", service, "--requirement", str(control), "--no-deps", "--disable-pip"]
        return bool(_vulnerable(_audit(asked, PROBE_S) or []))


def _audit(arguments: list[str], timeout_s: float) -> list[dict[str, Any]] | None:
    """The dependencies and what is known of each; None where pip-audit could not do it."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None


if __name__ == "__main__":
    sys.exit(main())
