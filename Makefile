PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
COCO   := data/coco
DEMO   := demo
LOWEST := build/lowest
DOCS   := build/docs

.DEFAULT_GOAL := help
.PHONY: help demo test test-all faults lowest wheel-test bench lint format docs gallery cards coco clean web web-test

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Where to get torch from, if not from PyPI, whose build for Linux brings gigabytes of CUDA. For a
# machine without a GPU: make test TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

# Installed anew whenever pyproject.toml changes.
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --index-url $(TORCH_INDEX) torch torchvision)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed  ## a picture in a shipped style, then a style learned in three minutes
	$(BIN)/impasto stylize --model starry -o $(DEMO)/astronaut_starry.jpg --overwrite
	@echo "this is starry: $(DEMO)/astronaut_starry.jpg; now learning a style of our own, 3 minutes"
	$(BIN)/impasto train --preset quick --style starry.jpg --name mine \
	    --photos samples --encoder vgg19-features --output-dir $(DEMO)/mine --resume none
	$(BIN)/impasto stylize --model $(DEMO)/mine/mine.onnx -o $(DEMO)/astronaut_mine.jpg --overwrite
	@echo
	@echo "the pictures:     $(DEMO)/astronaut_starry.jpg, $(DEMO)/astronaut_mine.jpg"
	@echo "the new style:    $(DEMO)/mine/mine.onnx"
	@echo "how it learned:   $(BIN)/tensorboard --logdir $(DEMO)"

# It forks, which must not come after a test that has used autograd in the same process.
FORKING = tests/benchmarks/test_gpu.py
# They run OpenVINO, after which a process must not fork: it was seen to crash, and to wait for ever.
OPENVINO = tests/inference/test_openvino.py tests/export/test_inference_net.py
APART = tests/faults $(FORKING) $(OPENVINO)

define units
	$(1)/python -m pytest -q -n auto --dist loadfile $(APART:%=--ignore %)
	$(1)/python -m pytest -q $(FORKING)
	$(1)/python -m pytest -q $(OPENVINO)
endef

test: $(VENV)/installed  ## the tests, without those that kill and starve whole runs
	$(call units,$(BIN))

test-all: test  ## and those
	$(BIN)/python -m pytest -q tests/faults

faults: $(VENV)/installed  ## the long fault tests
	$(BIN)/python -m pytest -q -m long

lowest: $(LOWEST)/installed  ## the tests with the lowest versions that pyproject.toml admits
	$(call units,$(LOWEST)/bin)

# Python 3.10 to 3.12: what is lowest has no wheels for later ones. Where nothing is said of what
# these packages need themselves, it is the newest.
$(LOWEST)/installed: pyproject.toml
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python \
	    --resolution lowest-direct --editable '.[dev]'
	@touch $@

wheel-test:  ## build the wheel, install it bare, and use it in an empty folder
	PYTHON=$(PYTHON) tests/wheel.sh

bench: $(VENV)/installed  ## how fast, against what: the tables of docs/performance.md
	$(BIN)/python benchmarks/bench.py

WEB      := web/node_modules/.package-lock.json
BROWSERS := chromium chromium-browser google-chrome
CHROMIUM ?= $(shell for name in $(BROWSERS); do command -v $$name && break; done)

web: $(VENV)/installed $(WEB)  ## the page as files for any host, in build/web
	$(BIN)/python web/build.py

$(WEB): web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

web-test: web  ## the page in a browser, painted by Python and by the browser itself
	$(BIN)/python -m pip install --quiet playwright
	$(if $(CHROMIUM),,$(BIN)/python -m playwright install --with-deps chromium)
	IMPASTO_CHROMIUM=$(or $(CHROMIUM),playwright) $(BIN)/python -m pytest -q tests/web

lint: $(VENV)/installed  ## ruff, mypy, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed  ## let ruff write it the way lint wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DOCS)/installed  ## the documentation as a site: build/site
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict

# Without torch: the pages about Python are made from the source, nothing is imported.
$(DOCS)/installed: pyproject.toml
	$(PYTHON) -m venv --clear $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet '.[docs]'
	@touch $@

gallery: $(VENV)/installed  ## draw the README's pictures with the styles that are shipped
	$(BIN)/python docs/make_gallery.py
	$(BIN)/python docs/make_controls.py

STYLES = $(filter-out any base,$(patsubst checkpoints/%/CARD.md,%,$(wildcard checkpoints/*/CARD.md)))
JUDGED = $(foreach kind,judge compare,$(STYLES:%=build/judge/%/$(kind).json))
PAINTINGS ?= data/styles
PHOTOS ?= samples
JUDGE ?= vgg16-features

cards: $(JUDGED)  ## judge the styles that are shipped and write their cards
	$(BIN)/python docs/make_cards.py build/judge

# Iterations on one photograph, the first of the samples: a minute of a core for each style.
build/judge/%/compare.json: checkpoints/%/config.yaml $(VENV)/installed
	$(BIN)/impasto analyze compare --model $* --style $(PAINTINGS)/$*.jpg --limit 1 --sizes 256 \
	    --iterations 60 --preset checkpoints/$*/config.yaml --encoder $(JUDGE) --output $(@D)

build/judge/%/judge.json: checkpoints/%/config.yaml $(VENV)/installed
	$(BIN)/impasto analyze judge --style $(PAINTINGS)/$*.jpg --models $* \
	    --photos $(PHOTOS) --limit 12 --encoder $(JUDGE) --output $(@D)

coco: $(COCO)/train2014  ## fetch the COCO photographs (13 GB, resumable)

$(COCO)/train2014: $(COCO)/train2014.zip
	cd $(COCO) && unzip -q -o train2014.zip && touch train2014

$(COCO)/train2014.zip:
	mkdir -p $(COCO)
	curl --location --fail --continue-at - --output $@.part \
	    http://images.cocodataset.org/zips/train2014.zip
	mv $@.part $@

clean:  ## remove what make made, but no checkpoints
	rm -rf $(VENV) $(DEMO) build dist
