"""What is shown: sections of checks, each with a sentence, an outcome and its time."""

import time
from dataclasses import dataclass, field

from processes import Failure


class NotShown(Exception):
    """A check that cannot be made here, and why."""


@dataclass
class Report:
    """Prints every check as it is done, and counts."""

    passed: int = 0
    not_shown: int = 0
    failed: list = field(default_factory=list)

    def section(self, name, checks):
        """Makes the checks of a section, which are pairs of a sentence and a function, one after the other.

        What a section prepares between its checks may fail like a check; then its others are not made.
        """
        print(f"==> {name}", flush=True)
        started = time.monotonic()
        try:
            for title, check in checks:
                self._make(name, title, check)
        except NotShown as reason:
            self._leave_out(name, "what follows", reason)
        except Exception as error:  # One broken section does not hide the others.
            self._fail(name, "is prepared", error)
        finally:
            print(f"    {name} took {time.monotonic() - started:.0f} s", flush=True)

    def _make(self, name, title, check):
        started = time.monotonic()
        try:
            said = check()
        except NotShown as reason:
            self._leave_out(name, title, reason)
        except Exception as error:  # One broken check does not hide the others.
            self._fail(name, title, error)
        else:
            self.passed += 1
            detail = f": {said}" if said else ""
            print(f"ok {name}: {title}{detail} ({time.monotonic() - started:.1f} s)", flush=True)

    def _leave_out(self, name, title, reason):
        self.not_shown += 1
        print(f"NOT SHOWN {name}: {title}: {reason}", flush=True)

    def _fail(self, name, title, error):
        self.failed.append(f"{name}: {title}")
        kind = "" if isinstance(error, Failure) else f"{type(error).__name__}: "
        print(f"FAILED {name}: {title}: {kind}{error}", flush=True)

    def summary(self):
        not_shown = f", {self.not_shown} not shown" if self.not_shown else ""
        return f"{self.passed} passed, {len(self.failed)} failed{not_shown}"
