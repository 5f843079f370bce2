"""Scripts of the fake graph, from their files."""

from importlib.resources import files
from pathlib import Path

from mockserver.errors import ReadError, UsageError
from mockserver.fake import reading
from mockserver.fake.script import Script


def builtin_text() -> str:
    """Return the text of the built-in script."""
    return (files("mockserver.fake") / "builtin.yaml").read_text("utf-8")


def builtin() -> Script:
    """Return the built-in script."""
    return reading.script(builtin_text(), Script)


def load(path: Path | None) -> Script:
    """Return the script in *path*, the built-in one if it is None; UsageError, with file and line, where it makes no sense."""
    if path is None:
        return builtin()
    try:
        return reading.script(path.read_text("utf-8"), builtin)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8: save the file as UTF-8") from None
    except ReadError as error:
        raise UsageError(str(error.at(file=str(path)))) from None
