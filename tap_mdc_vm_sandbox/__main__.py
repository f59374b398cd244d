"""`python -m tap_mdc_vm_sandbox`, and the command of the extra `sandbox`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command, or say what is not installed."""
    try:
        from .cli import main as run  # noqa: PLC0415  # only now: it needs the extra
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("tap_mdc_vm"):
            raise
        sys.stderr.write(f"{error.name} is not installed: pip install 'tap-mdc-vm[sandbox]'\n")
        return 1
    return run()


if __name__ == "__main__":
    sys.exit(main())
