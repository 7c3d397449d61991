# Each target is one command of `python -m mmlab`; nothing is decided here.
# Arguments pass through:  make lab ARGS="--no-browser --port 9999"  ·  make test ARGS="unit mypy"
PYTHON ?= python3
ARGS ?=
COMMANDS := lab test setup doctor notebooks bench lock clean

help:
	@$(PYTHON) mmlab/__main__.py --help

$(COMMANDS):
	@$(PYTHON) mmlab/__main__.py $@ $(ARGS)

.PHONY: help $(COMMANDS)
