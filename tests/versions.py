"""Compare the installed packages with constraints.txt: `python -m tests.versions`."""

import re
from importlib.metadata import distributions
from pathlib import Path

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
OURS = ("langgraph-mockserver", "pip", "setuptools")


def normalize(name: str) -> str:
    """Return the form of the package *name* that is the same for all its spellings."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(text: str) -> dict[str, str]:
    """Return the versions of the packages in the constraints *text*."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)$", text, re.MULTILINE)
    return {normalize(name): version for name, version in found}


def installed() -> dict[str, str]:
    """Return the versions of the packages of this environment."""
    versions = {normalize(package.name): package.version for package in distributions()}
    return {name: version for name, version in versions.items() if name not in OURS}


def differences(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Return a line for each package whose version differs."""
    return [
        f"{name} {old.get(name, '(none)')} -> {new.get(name, '(none)')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


if __name__ == "__main__":
    lines = differences(pinned(CONSTRAINTS.read_text()), installed())
    print("\n".join(lines) or "all packages have the versions of constraints.txt")  # noqa: T201
