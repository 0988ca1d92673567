# make run | test | serve | lint | bench | docs | site | load | kernels | clean
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
QUIET := $(shell [ -t 2 ] || echo --quiet) # on a terminal pip shows what it downloads, and how much is left
PIP := $(BIN)/python -m pip install $(QUIET) --disable-pip-version-check --constraint constraints.txt
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install install-dev run test test-long test-arm64 quick serve lint format bench bench-gate bench-bless bench-compare docs site notebooks load locks images manifests kernels proto dist clean mutants

help:
	@echo "make run    simulate the default field; results go to out/"
	@echo "make test   run the tests; make test-long   those that take minutes; make lint   check style, types and layers"
	@echo "make quick  style, types, layers, and the quick tests of what has changed: what a change needs, in two minutes"
	@echo "make serve  start the HTTP service; make load   put one under load: SCENARIO=sustained|stress|spike|streams, HOST="
	@echo "make bench  measure speed, and write benchmarks/history; make bench-gate   instructions of kernels against the baseline"
	@echo "make bench-compare A=REV B=REV   two revisions in turns"
	@echo "make docs   draw the pictures, run the examples"
	@echo "make site   build the documentation into site/, to open from a file"
	@echo "make notebooks   execute each notebook from scratch"
	@echo "make manifests  render k8s.yaml from deploy/kubernetes"
	@echo "make images   build service, worker and edge of the wheels in dist/, as root with buildah; make locks   their packages"
	@echo "make test-arm64  the same digests on an emulated aarch64; needs mmdebstrap and qemu-user-static"
	@echo "make kernels  build every kernel ahead, for wheels and images: LEVELS=\"x86-64-v3 aarch64\", KINETICS=mycelium for fewer"
	@echo "make dist  build kernels, the source archive and a wheel for each of x86-64 and aarch64 into dist/"
	@echo "make proto  generate the messages of gRPC from proto/"
	@echo "make clean  remove what the targets made, the environment included"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; say where it is: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing into $(VENV), a minute or two"
	$(PIP) --editable ".[jit,visualization]"
	@touch $@

$(VENV)/.server: $(VENV)/.run
	$(PIP) --editable ".[jit,server,visualization]"
	@touch $@

# torch comes first: a wheel without CUDA, where one is at hand, then satisfies every other requirement.
$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing everything into $(VENV), some minutes"
	$(PIP) torch==2.13.0
	$(PIP) --editable ".[jit,server,grpc,client,learn,datasets,federated,visualization,frames,topology,signals,kafka,mqtt,nats,rabbitmq,vault,aws,zipkin,bench,docs,dev]"
	@touch $@ $(VENV)/.run $(VENV)/.server

install: $(VENV)/.run
install-dev: $(VENV)/.dev

run: $(VENV)/.run
	$(BIN)/mfn simulate --out out --format json,npz,png,gif --every 2

serve: $(VENV)/.server
	$(BIN)/mfn serve

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

quick: $(VENV)/.dev
	WORKERS=$(WORKERS) .ci/quick

test-long: $(VENV)/.dev
	$(BIN)/python -m pytest -m long $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	mkdir -p out
	$(BIN)/python -m pytest benchmarks --override-ini testpaths=benchmarks --override-ini 'python_files=benchmark_*.py' \
	  --benchmark-only --benchmark-json out/benchmark.json $(PYTEST_ARGS)
	$(BIN)/python -m benchmarks.history

bench-gate: $(VENV)/.dev
	$(BIN)/python -m benchmarks.instructions

bench-bless: $(VENV)/.dev
	$(BIN)/python -m benchmarks.instructions --bless

bench-compare: $(VENV)/.dev
	$(BIN)/python -m benchmarks.compare $(A) $(B)

docs: $(VENV)/.dev
	for script in docs/*.py; do $(BIN)/python "$$script" || exit 1; done
	$(BIN)/mfn openapi --out docs/openapi.json
	$(BIN)/mfn openapi --asyncapi --out docs/asyncapi.json
	$(BIN)/jupyter nbconvert --to notebook --execute --ExecutePreprocessor.store_widget_state=False --inplace notebooks/*.ipynb
	$(BIN)/python -m pytest README.md docs --override-ini testpaths=

site: $(VENV)/.dev
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs site
	@echo "open site/index.html"

notebooks: $(VENV)/.dev
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=300 --override-ini testpaths= --override-ini addopts= notebooks

load: $(VENV)/.dev
	$(BIN)/python -m load_tests.run $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(HOST),--host $(HOST)) \
	  $(if $(USERS),--users $(USERS)) $(if $(TIME),--run-time $(TIME))

locks: $(VENV)/.dev
	$(BIN)/python deploy/docker/lock.py

images: $(VENV)/.dev
	$(BIN)/python deploy/docker/build.py $(TARGETS)

manifests: $(VENV)/.dev
	$(BIN)/python deploy/kubernetes/render.py

kernels: $(VENV)/.run
	$(BIN)/python -m native.build $(addprefix --level ,$(LEVELS)) $(addprefix --kinetics ,$(KINETICS))

# hatch_build.py takes the libraries of MFN_WHEEL_MACHINE
dist: $(VENV)/.dev kernels
	rm -rf dist
	$(BIN)/python -m hatchling build --target sdist --directory dist
	for machine in x86_64 aarch64; do \
	  MFN_WHEEL_MACHINE=$$machine $(BIN)/python -m hatchling build --target wheel --directory dist || exit 1; done
	ls -l dist

test-arm64: $(VENV)/.dev kernels
	$(BIN)/python -m pytest -m long tests/compiled/test_arm64.py $(PYTEST_ARGS)

proto: $(VENV)/.dev
	mkdir -p .cache/proto
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=.cache/proto --pyi_out=.cache/proto proto/mfn/v1/mfn.proto
	cp .cache/proto/mfn/v1/mfn_pb2.py .cache/proto/mfn/v1/mfn_pb2.pyi src/mycelium_fractal_net/_proto/

mutants: $(VENV)/.dev
	mkdir -p .cache
	rm -f .cache/mutants-*.jsonl
	-nice -n 19 $(BIN)/python -m tests.mutants --log .cache/mutants-tests.jsonl
	-nice -n 19 $(BIN)/python -m tests.mutants --validate --log .cache/mutants-checks.jsonl
	$(BIN)/python -m tests.mutants --write .cache/mutants-tests.jsonl .cache/mutants-checks.jsonl

clean:
	rm -rf $(VENV) out site dist build src/mycelium_fractal_net/_compiled/cache .cache .coverage .coverage.* coverage.xml htmlcov load_tests/report
	rm -rf src/mycelium_fractal_net/_compiled/libraries
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks .import_linter_cache
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
