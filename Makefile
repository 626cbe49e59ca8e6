PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: install demo studio test test-browser test-quick test-slow check texts mutate key-table benchmark-tables device-wheels pocket-musicgen
.PHONY: pocket-ace-step pocket-step-audio pocket-clips clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tunesmith needs Python 3.11 or newer.")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable '.[lyrics,japanese,datasets,step-audio,ears,studio]'
	touch $(STAMP)

demo: install
	$(BIN)/tunesmith demo

# One local page over the runs in this folder (docs/studio.md).
studio: install
	$(BIN)/tunesmith studio

# A process per core, at most four: each may take 1.5 GB. A file's tests stay together, since they share what is slow to make.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope

test: install
	$(PYTEST)

# What answers in under a minute on two cores, for the edit loop.
QUICK := audio cli data evaluation label planning recipe records report run speech texts families/musicgen \
	families/test_contract.py test_readme.py test_rooms.py

test-quick: install
	$(PYTEST) $(addprefix tests/,$(QUICK))

# The pages in a real browser: Chromium of the system, or the one that CHROMIUM names; left out where there is none.
test-browser: install
	$(BIN)/python -m pytest tests/browser

test-slow: install
	$(BIN)/python -m pytest -m slow

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What is said, in every language: collect the sentences of the code, add new ones to the catalogues, compile them.
texts: install
	$(BIN)/python tools/texts.py

# Small faults in the code that decides; the tests have to notice (tools/mutate_survivors.yaml).
mutate: install
	$(BIN)/python -m tools.mutate

# The tables of docs/benchmarks.md from benchmarks/results/*.json.
key-table: install
	$(BIN)/python -m tools.key_table

benchmark-tables: install
	$(BIN)/python -m benchmarks.make_tables

# What a bare GPU machine lacks, into device-wheels/ (docs/benchmarks.md): make device-wheels ONLY="diffusers soxr"
device-wheels: install
	$(BIN)/python -m tools.device_wheels $(if $(ONLY),--only $(ONLY))

# What ships, built anew (tools/pocket/README.md): make pocket-musicgen OUT=folder SEED=0 MINUTES=40
POCKET = $(BIN)/python -m tools.pocket $(1) --seed $(or $(SEED),0) $(if $(OUT),--out $(OUT)) $(if $(MINUTES),--minutes $(MINUTES))

pocket-musicgen: install
	$(call POCKET,musicgen)

pocket-ace-step: install
	$(call POCKET,ace_step)

pocket-step-audio: install
	$(call POCKET,step_audio)

pocket-clips: install
	$(call POCKET,clips)

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache .mypy_cache
