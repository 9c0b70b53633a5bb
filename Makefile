# The verbs of this project. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOREIGN := tests/foreign
CONSOLE := cipher_service/console
ASSETS := $(CONSOLE)/assets
JOBS ?= 2

# Tests start hundreds of processes: where Python keeps no compiled code, each compiles it all anew,
# a quarter of what a start of the service takes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: $(FOREIGN)/node_modules/.ready $(CONSOLE)/static/manifest.json ## Build .venv/, assets and foreign readers from the locked lists.

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer with venv is missing: on Debian, apt-get install python3-venv make"; exit 1; }
	@missing=""; command -v gcc >/dev/null || missing="gcc libc6-dev"; \
	  command -v openssl >/dev/null || missing="$$missing openssl"; \
	  command -v systemd-analyze >/dev/null || missing="$$missing systemd"; \
	  test -x /usr/sbin/nginx || missing="$$missing nginx-light"; \
	  command -v chromium-headless-shell >/dev/null || missing="$$missing chromium-headless-shell"; \
	  command -v softhsm2-util >/dev/null || missing="$$missing softhsm2"; \
	  if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; \
	  elif [ -n "$$missing" ]; then echo "Some tests need: sudo apt-get install $$missing"; fi
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@# A venv of Python 3.11 brings one as old as itself, which nothing here needs and no lock names.
	$(BIN)/python -m pip uninstall --quiet --quiet --disable-pip-version-check --yes setuptools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(FOREIGN)/node_modules/.ready: $(VENV)/.ready $(FOREIGN)/package-lock.json
	cd $(FOREIGN) && PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# The installation built them once; from then on, whenever a source changes.
$(CONSOLE)/static/manifest.json: $(wildcard $(ASSETS)/*.* $(ASSETS)/src/* $(ASSETS)/src/*/*) | $(VENV)/.ready
	$(BIN)/python $(ASSETS)/hatch_build.py
	@touch $@

.PHONY: assets
assets: $(CONSOLE)/static/manifest.json ## Build the console's styles and scripts if a source changed.

.PHONY: demo
demo: setup ## Play a ministry, then keep its console open (ONCE=1: not): CORPUS=, KEEP=folder, INFO=file.
	@$(BIN)/cipher-service demo $(if $(CORPUS),--corpus "$(CORPUS)") $(if $(KEEP),--keep "$(KEEP)") \
	  $(if $(filter 1,$(ONCE)),,--console $(if $(INFO),--info "$(INFO)"))

.PHONY: pictures
pictures: setup ## Take the README's pictures of the console anew, from the demonstration.
	@$(BIN)/python -m tests.console.take_pictures

.PHONY: test
test: setup lint ## Everything that CI runs: style, types, ladder, every test, PostgreSQL included.
	$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --cov --cov-report= tests
	$(BIN)/coverage report --include='pouch/*' --fail-under=100
	$(BIN)/coverage report --include='keys/*' --fail-under=100

.PHONY: coverage
coverage: setup ## Count every package in every test, which takes half as long again.
	COUNT=all $(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --cov --cov-report= tests
	@# What only runs in processes of its own (commands, servers) is tested but not counted here.
	$(BIN)/coverage report --include='cipher_service/*' --fail-under=80

.PHONY: lint
lint: setup ## Style, types and the import ladder.
	@$(MAKE) --no-print-directory -j $(JOBS) --output-sync=target types style

.PHONY: types style
types:
	$(BIN)/mypy .
style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	cd $(ASSETS) && $(abspath $(BIN))/node node_modules/typescript/bin/tsc --noEmit

.PHONY: fix
fix: setup ## Let ruff repair what it can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# By their numbers: 1 to 3, 6, 12, 19, 23 in tests/gates; 5, 10, 11, 14 in identity; 7 and 8 in access; 9
# the matrix in access, posts' commands in app and test_functions of console and API; 13 in audit; 14 also
# at_once of bags and of prekeys; 15 the certificates and the smuggled requests; 17 what holds no key and
# no text; 24 the scoreboard; 4 is the fuzz run of the API; 20 is `make soak`, 21 `make fuzz`, 22 `make
# mutants`.
.PHONY: gates
gates: setup ## The long form of the gates: crashes, faults, policies, tokens, certificates, timing.
	GATES=full $(BIN)/pytest -q -p no:cacheprovider --timeout=7200 \
	  tests/gates tests/surfaces/client/online/test_killed.py $(FOREIGN)/verify_foreign.py \
	  tests/cipher_service/access tests/cipher_service/app tests/cipher_service/identity \
	  tests/cipher_service/pouches/test_at_once.py tests/cipher_service/pouches/test_listing.py \
	  tests/cipher_service/directory/test_prekeys_at_once.py \
	  tests/console/test_functions.py tests/surfaces/api/test_functions.py \
	  tests/cipher_service/audit tests/pouch/test_guesses.py tests/keys/test_certificates.py \
	  tests/surfaces/client/online/test_server_certificates.py tests/surfaces/api/test_smuggling.py \
	  tests/deploy/test_proxy.py tests/console/test_memory.py tests/house/test_asvs.py \
	  tests/surfaces/administration/test_backup.py tests/surfaces/administration/test_stolen_disk.py
	$(BIN)/python -m tests.fuzz.fuzz_api $(or $(INPUTS),100000)
	$(BIN)/python -m tests.gates.timing

.PHONY: verify-foreign
verify-foreign: setup ## Let Go's own packages verify our logs, and find the lies in them.
	@missing=""; command -v go >/dev/null || missing="golang-go"; \
	  [ -d /usr/share/gocode/src/golang.org/x/mod ] || missing="$$missing golang-golang-x-mod-dev"; \
	  if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; \
	  elif [ -n "$$missing" ]; then echo "Needed: sudo apt-get install $$missing"; exit 1; fi
	$(BIN)/pytest -q -p no:cacheprovider $(FOREIGN)/verify_foreign.py

.PHONY: fuzz
fuzz: setup ## The long form of the fuzz runs: INPUTS=100000.
	$(BIN)/python -m tests.fuzz.fuzz_envelope $(or $(INPUTS),100000)
	$(BIN)/python -m tests.fuzz.fuzz_api $(or $(INPUTS),100000)
	$(BIN)/python -m tests.fuzz.fuzz_seal $(or $(INPUTS),100000)
	$(BIN)/python -m tests.fuzz.fuzz_parsers $(or $(INPUTS),100000)

.PHONY: soak
soak: setup ## Let a ministry work for MINUTES=120, kill it every forty, and measure what grows.
	$(BIN)/python -m tests.gates.soak $(or $(MINUTES),120) $(or $(SEED),20)

.PHONY: mutants
mutants: setup ## Which of COUNT=40 changes of MODULE=keys.acts (or all) do its tests not notice?
	$(BIN)/python -m tests.mutants.run_mutants $(or $(MODULE),all) $(or $(COUNT),40) $(or $(SEED),1)

.PHONY: bench
bench: setup $(VENV)/.bench ## Print every figure of the README, each as a ratio in one run.
	$(BIN)/python -m tests.bench.bench_envelope
	$(BIN)/python -m tests.bench.bench_api
	$(BIN)/python -m tests.bench.bench_access
	$(BIN)/python -m tests.bench.bench_audit
	$(BIN)/python -m tests.bench.bench_audit --questions 1000000
	$(BIN)/python -m tests.bench.bench_rewrap
	$(BIN)/python -m tests.bench.bench_custody

.PHONY: bench-label
bench-label: setup ## Print how well labels are read, and how many seals and verdicts a second.
	$(BIN)/python -m tests.bench.bench_label

$(VENV)/.bench: $(VENV)/.ready requirements-bench.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

.PHONY: vectors
vectors: setup ## Make the test vectors of envelopes and seals that are missing.
	$(BIN)/python -m tests.vectors.make_vectors
	$(BIN)/python -m tests.vectors.make_pouch_vectors

.PHONY: clean
clean: ## Remove what setup built.
	rm -rf $(VENV) $(FOREIGN)/node_modules $(ASSETS)/node_modules $(CONSOLE)/static
	rm -rf .mypy_cache .ruff_cache .pytest_cache .coverage*
