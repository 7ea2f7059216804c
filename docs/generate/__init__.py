"""The reference pages, made from the code: settings, commands, HTTP, tables, metrics.

`.venv/bin/python -m docs.generate` writes them into `docs/reference`; a test holds them to the code.
"""
