# Everything a newcomer needs: `make demo` and `make test`. Both set up their own .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests wait for processes of theirs a quarter of the time, so there is one worker more than cores.
TEST_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# Empty, where it was set: what is compiled is kept. Each worker and each process that a test starts would compile anew.
export PYTHONDONTWRITEBYTECODE :=
# The files that hold a test with a mark. To collect all others, once for each worker, takes longer than many of these.
marked = $$(grep -rlE --include='test_*.py' 'mark\.$(1)' tests)
# The longest files come first (tests/conftest.py), so that no worker is left with one at the end.
SHARED := -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder

# Networks that attention is attached to in the tests. In a folder of their own and without what they depend on: beside a
# CPU build of torch, Lightning cannot be imported where torchvision is installed.
OUTSIDE := transformers timm segmentation-models-pytorch torchvision safetensors huggingface_hub hf-xet tokenizers regex \
    httpx2 httpcore2 truststore typer shellingham annotated-doc

.PHONY: demo test setup docs gallery chaos coverage fuzz integration
setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

demo: setup
	$(BIN)/ablate run demo --design loco
	$(BIN)/ablate report demo

test: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest -q $(SHARED)

# Every command that the pages show is run (what is not, and why: docs/commands.py), then the site is built into site/,
# where a broken link or anchor is an error. The commands take most of the time.
docs: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	$(BIN)/python docs/commands.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir site

# The six studies of docs/gallery.md, and that page; what has ended in gallery/ is not run again.
gallery: setup
	$(BIN)/python docs/gallery.py gallery

# Long random fault injection; prints the promises with their figures. About ten minutes.
chaos: setup
	$(BIN)/pytest -q -m slow tests/ablations/engine tests/ablations/studies

# Monte-Carlo coverage of the intervals and error rates of the verdicts.
coverage: setup
	$(BIN)/pytest -q -m slow tests/analysis

# Inputs that nobody would give, by the thousand, for ten minutes: no fault of ours, no hang, no growth, no write outside.
fuzz: setup
	$(BIN)/python tests/fuzz/fuzz.py --seconds 600 --keep fuzz-faults

# Whole studies of some seconds, and what needs a server, a browser or networks of other libraries: PostgreSQL, MariaDB, Ray, Slurm, W&B's protocol, Chromium,
# transformers, timm, onnxruntime. Installs what is missing where it may (as root); what still lacks is skipped with the reason.
integration: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt \
	    -e ".[test,ray,slurm,cma,dashboard,wandb-reports,images,parquet,notebook,optimizers]" psycopg2-binary pymysql \
	    onnx onnxscript onnxruntime
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && \
	    ! { ls /usr/lib/postgresql/*/bin/initdb && command -v slurmctld && command -v munged && \
	    command -v chromium && command -v mariadbd; } > /dev/null 2>&1; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    postgresql mariadb-server slurm-wlm munge chromium > /dev/null; \
	fi
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps --upgrade \
	    --target $(VENV)/outside/site-packages $(OUTSIDE)
	$(BIN)/pytest -q $(SHARED) -m "long or integration" -rs $(call marked,(long|integration))
	PYTHONPATH=$(VENV)/outside/site-packages $(BIN)/pytest -q -n 2 -m integration -rs tests/ablations/subjects/attention/attach/test_outside.py \
	    tests/ablations/subjects/attention/data/test_colours_outside.py
