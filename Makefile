# Every target is a command of the bootstrap package, which needs only Python and brings the rest.
PYTHON ?= python3
COMMANDS := up down status logs login demo lab lint test test-fast test-long bench

.PHONY: help $(COMMANDS)

help:
	@$(PYTHON) -m bootstrap help

$(COMMANDS):
	@$(PYTHON) -m bootstrap $@ $(ARGS)
