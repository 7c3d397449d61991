# Each target is one command of `python -m mmlab`; nothing is decided here.
# make course-release, course-grade, course-feedback, course-export: ARGS="ps1 -j 4"
# Arguments pass through:  make lab ARGS="--no-browser --port 9999"  ·  make test ARGS="unit mypy"  ·  make differential N=100000
PYTHON ?= python3
ARGS ?=
COMMANDS := lab test differential bench setup doctor notebooks html course practice site apps hub hub-test badges lock clean

help:
	@$(PYTHON) mmlab/__main__.py --help

differential: ARGS := $(N) $(ARGS)

$(COMMANDS):
	@$(PYTHON) mmlab/__main__.py $@ $(ARGS)

course-%:
	@$(PYTHON) mmlab/__main__.py course $* $(ARGS)

.PHONY: help $(COMMANDS)
