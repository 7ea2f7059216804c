"""The steps of a prompt's way, as plain functions, and their Celery bindings. Knows no HTTP."""
