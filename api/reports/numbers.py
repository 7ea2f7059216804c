"""Numbers as a page writes them."""

import math

from router.reports import Interval

#: What stands where something was not measured.
ABSENT = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def figures(value: float | None) -> str:
    """Three figures that count, and never an exponent: 1.23, 0.00123, 123, 12300."""
    if value is None:
        return ABSENT
    if not value:
        return "0"
    rounded = float(f"{value:.2e}")
    return f"{rounded:.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"


def thousandths(value: float | None) -> str:
    """Qualities and shares: 0.123."""
    return ABSENT if value is None else f"{value:.3f}"


def signed(value: float) -> str:
    """A difference of qualities: +0.012, with a real minus sign."""
    return f"{value:+.3f}".replace("-", MINUS)


def percent(value: float | None) -> str:
    """A share of 0..1 as 12.3 %."""
    return ABSENT if value is None else f"{100 * value:.1f} %".replace("-", MINUS)


def whole(value: float | None) -> str:
    """Tokens and prompts: 123."""
    return ABSENT if value is None else f"{value:.0f}"


def interval(bounds: Interval | None, form: str = "{:.3f}") -> str | None:
    """`0.1 to 0.2`; None where there is none."""
    if bounds is None:
        return None
    return " to ".join(form.format(bound).replace("-", MINUS) for bound in bounds)
