"""Break the real system on a seeded schedule, then check what it promises: `python -m tests.acceptance.chaos`."""
