# Two commands for a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test slow deep fuzz lint bench peers stubs docs clean

help:
	@echo "make demo   train the digits model of specs/digits_cnn.yaml and draw predictions"
	@echo "make test   check types, style and behaviour"
	@echo "make slow   the same checks on larger models (some minutes)"
	@echo "make deep   2,000 random cases of each layer against torch (most of an hour)"
	@echo "make fuzz   an hour of mutated specs"
	@echo "make lint   types and style alone"
	@echo "make bench  time netspec next to hand-written torch"
	@echo "make peers  time netspec next to its peers, and write docs/benchmarks.md"
	@echo "make stubs  write the builder's stub from the declarations"
	@echo "make docs   write docs/layers.md from the declarations"
	@echo "make clean  remove the virtual environment"

demo: $(VENV)/installed
	@$(BIN)/python -m examples.demo

test: $(VENV)/installed lint
	@$(BIN)/python -m pytest -q -n auto --dist worksteal

slow: $(VENV)/installed
	@$(BIN)/python -m pytest -q -n auto -m slow

deep: $(VENV)/installed
	@NETSPEC_PROFILE=deep $(BIN)/python -m pytest -q -n auto tests/properties

fuzz: $(VENV)/installed
	@$(BIN)/python -m tests.fuzz --minutes 60

lint: $(VENV)/installed
	@echo "checking style (ruff) and types (mypy)"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/installed
	@$(BIN)/python -m bench

peers: $(VENV)/installed
	@$(BIN)/python -m bench.peers --write

stubs: $(VENV)/installed
	@$(BIN)/python -m netspec.builder.stub --write

docs: $(VENV)/installed
	@$(BIN)/python -m netspec.render.reference --write

# One environment for everything, made again when the dependencies change.
$(VENV)/installed: pyproject.toml plugins/netspec-torchvision/pyproject.toml plugins/netspec-transformer/pyproject.toml plugins/netspec-einops/pyproject.toml plugins/netspec-tools/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "netspec needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "making the virtual environment $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@echo "installing netspec with torch and torchvision (some 5 GB, a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --progress-bar off --editable '.[demo,safetensors,offload,test,lint]' --editable plugins/netspec-torchvision --editable 'plugins/netspec-transformer[test]' --editable plugins/netspec-einops --editable plugins/netspec-tools
	@touch $@

clean:
	rm -rf $(VENV)
