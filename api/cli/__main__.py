"""`python -m api.cli`: what the supervisor starts, so that it needs no script on the PATH."""

from api.cli import main

main()
