"""The plots of a report, each a figure drawn from it, or None where it has nothing to show."""
