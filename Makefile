PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# One process per core, each with one thread.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal

.PHONY: help gaps smoke test slow long faults fuzz soak lint audit

help:
	@echo "make gaps    train RNN, LSTM and GRU on three tasks at five gaps: results/gaps/report"
	@echo "make smoke   the same in small, in about a minute: results/smoke/report"
	@echo "make test    the quick tests; make slow: those that need more; make lint: style and types"
	@echo "make long    the longest, each of which has something cheaper like it in the other two"
	@echo "make faults  kills, full disks, damaged files: 500 faults, and what was lost or wrong"
	@echo "make fuzz    10,000 made-up commands and damaged files: none may end in a traceback"
	@echo "make soak    the smoke sweep 50 times over, for leaks, in ten minutes"
	@echo "make audit   known weaknesses of what constraints.txt installs, by PyPI's own list"
	@echo "ARGS='...'   more for the command line, as in: make gaps ARGS='tracker=none workers=4'"

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade-strategy only-if-needed -c constraints.txt -e '.[dev,triton]'
	touch $@

gaps smoke: $(INSTALLED)
	$(BIN)/python -m rnnbench +sweep=$@ $(ARGS)

test: $(INSTALLED)
	$(PYTEST) $(ARGS)

# Many of these wait for other programs; those that need the machine to themselves come last.
slow: MARKED := slow and not long
long: MARKED := long
slow long: $(INSTALLED)
	$(BIN)/python -m pytest -n 4 --dist worksteal -m '$(MARKED) and not alone' $(ARGS)
	$(BIN)/python -m pytest -m '$(MARKED) and alone' $(ARGS) || [ $$? -eq 5 ]  # 5: ARGS asks for none

faults: $(INSTALLED)
	$(BIN)/python -m tests.faults $(ARGS)

fuzz: $(INSTALLED)
	$(BIN)/python -m tests.fuzz $(ARGS)

soak: $(INSTALLED)
	$(BIN)/python -m tests.soak $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# In an environment of its own: what audits is not part of what is audited.
audit:
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet 'pip-audit>=2.9,<3'
	build/audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt
