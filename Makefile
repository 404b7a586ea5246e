# make demo      the whole system on this machine, with projects to try
# make demo-label N=300 TYPE=boxes   labels images of an assisted project of it while you watch
# make test      every test
# make test-fast what can be tested in a minute and a half: no emulator, no host, no browser
# make check     formatting, lint, types, import rules, openapi.json and what is made of it
# See docs/operations.md for the variables of each target.

PYTHON ?= python3
VENV := .venv/bin/python

# make demo IMAGES=~/photos CLASSES=cat,dog TYPE=multilabel
IMAGES ?=
CLASSES ?=

# make simulate TYPE=boxes ITEMS=200 LABELERS=3 ARGS="..."
TYPE ?= multilabel
ITEMS ?= 300
LABELERS ?= 4
# with OVERLAP=3 people of known skill label the same images: make simulate TYPE=boxes OVERLAP=3
OVERLAP ?=
# with ASSIST=1 models help: make simulate TYPE=multiclass ITEMS=900 ASSIST=1
ASSIST ?=
ARGS ?=

# make chaos ITEMS=150   the same while hosts are killed and storage has a bad day, and jobs of assist as they train;
#                a thousand edits on each labeling page, and every fault of a browser twice
chaos:
	$(PYTHON) dev/install.py demo
	$(foreach type,multiclass multilabel boxes polygons,$(VENV) -m dev.simulate --chaos --type $(type) --items $(ITEMS) --labelers $(LABELERS) $(ARGS) &&) true
	$(PYTHON) dev/install.py test && $(VENV) -m dev.simulate.killed
	LABELRY_LONG_TESTS=1 $(VENV) -m pytest tests/e2e/test_no_work_is_lost.py -q -rP

# make bench ONLY=handout
ONLY ?=

# make fuzz      thousands of odd images, files of labels and requests, and people of each role against openapi.json
.PHONY: demo demo-label simulate chaos test test-fast fuzz check bench scale sbom audit readers docs openapi install

demo:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.demo $(if $(IMAGES),--images "$(IMAGES)" --classes "$(CLASSES)" --type "$(TYPE)")

N ?= 300
demo-label:
	$(VENV) -m dev.demo_label --count $(N) --type $(TYPE)

simulate:
	$(if $(OVERLAP),$(PYTHON) dev/install.py demo && $(VENV) -m dev.simulate.skill --type $(TYPE) --items $(ITEMS) --overlap $(OVERLAP) $(ARGS),\
	$(if $(ASSIST),$(PYTHON) dev/install.py demo && $(PYTHON) dev/install.py jobs && $(VENV) -m dev.simulate.$(if $(filter boxes polygons,$(TYPE)),shapes,assist) --type $(TYPE) --items $(ITEMS) $(ARGS),\
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.simulate --type $(TYPE) --items $(ITEMS) --labelers $(LABELERS) $(ARGS)))

test:
	$(PYTHON) dev/install.py test && $(VENV) -m dev.test $(ARGS)

test-fast:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.test --fast $(ARGS)

fuzz:
	$(PYTHON) dev/install.py demo && LABELRY_LONG_TESTS=1 $(VENV) -m pytest tests/functions/test_fuzz.py tests/fuzz -q -rP
	$(VENV) -m dev.conformance $(ARGS)

check:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.check

bench:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.bench $(if $(ONLY),--only $(ONLY)) $(ARGS)

scale:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.scale $(ARGS)

sbom:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.sbom

audit:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.audit

readers:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.readers $(if $(ONLY),--only $(ONLY))

docs:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.pages

openapi:
	$(PYTHON) dev/install.py demo && $(VENV) -m dev.openapi

install:
	$(PYTHON) dev/install.py test
