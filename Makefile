# `make train` does everything: environment, dataset, training, evaluation. `make help` lists the targets.

PYTHON ?= python3
RECIPE ?= datasets/numeric.toml
DATA ?= datasets/numeric
RUN ?= runs/$(notdir $(DATA))
MODEL ?= numeric
SENTENCES ?= datasets/wikipedia
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

BENCHES := bench-render bench-factory bench-sizes bench-scale bench-loader bench-faults bench-predict bench-patterns bench-train bench-precision

.DEFAULT_GOAL := help
.PHONY: help setup fonts browser data train test hostile wheels-check container-check dist docs lint bench $(BENCHES) bench-encoders bench-language bench-init bench-advise bench-own bench-domains bench-import fresh photographs pictures screens api licences pretrained-numeric pretrained-display pretrained-latin pretrained-wikipedia lock clean

# The text after ## is what this prints; a variable can be set on the command line: make train RUN=runs/mine.
help: ## this list
	@sed -nE 's/^([a-z][a-z -]*):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r names text; do printf '%-42s %s\n' "$$names" "$$text"; done
	@echo "variables: PYTHON=$(PYTHON) RECIPE=$(RECIPE) DATA=$(DATA) RUN=$(RUN) MODEL=$(MODEL) SENTENCES=$(SENTENCES) ARGS=more arguments"

setup: $(READY) ## the environment in .venv, from requirements.lock

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("expected Python 3.11 to 3.13, not " + sys.version.split()[0] + "; make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $(READY)
	@echo "next: . $(BIN)/activate, once a terminal; or write $(BIN)/python for python"

# Installs the Debian packages in $(1) that are missing; needs root and apt-get.
install = [ $$(dpkg-query --show --showformat '$${db:Status-Abbrev}\n' $(1) 2>/dev/null | grep -c '^ii') = $(words $(1)) ] \
	|| { apt-get update && apt-get install --yes --no-install-recommends $(1); }

# Recipes name these faces system:serif, :sans, :typewriter and :machine.
fonts: ## more faces to draw with, from Debian packages
	$(call install,fonts-3270 fonts-courier-prime fonts-dotgothic16 fonts-dseg fonts-freefont-ttf fonts-glasstty \
		fonts-gnutypewriter fonts-inconsolata fonts-liberation2 fonts-linuxlibertine fonts-ocr-a fonts-ocr-b \
		fonts-spleen fonts-terminus fonts-texgyre fonts-tlwg-typewriter-ttf fonts-unifont fonts-urw-base35)

browser: ## Chromium for the tests of pages, from a Debian package; without it they are skipped
	$(call install,chromium)

data: $(READY) ## the dataset of RECIPE
	$(BIN)/python generate_data.py $(RECIPE) $(ARGS)

# A dataset whose recipe lies beside it is made first; a run that was begun is resumed.
# INIT names another start than the one that fits best, or none.
train: $(READY) ## a reader in RUN, trained on DATA
	@if [ -f $(DATA).toml ]; then $(BIN)/python generate_data.py $(DATA).toml; fi
	$(BIN)/python train_from_records.py $(DATA) --run $(RUN) $(if $(INIT),--init $(INIT)) $$([ -f $(RUN)/config.json ] && echo --resume) $(ARGS)

# The models that come with ocrlib, from nothing: one to three hours each. The same command resumes a stopped one.
# REAL="FOLDER ...": the model's figures on NAME.png with NAME.gt.txt go onto its card; it is not trained on them.
# Two trainings each: the second starts from the network of the first, at the full learning rate again. The first one of
# display and latin as they are shipped was by PyTorch on a GPU, in ten minutes: TORCH=PYTHON, a Python with PyTorch and
# h5py. Without TORCH the processor trains the same networks, for hours.
TORCH ?=
LINES_numeric := 1000000
TRAIN_numeric := --init none --model.encoder wide --model.filters 2 --train.epochs 2
LINES_display := 1470000
BEGIN_display := --init none --model.encoder wide --model.filters 4 --train.epochs 2
SHAPE_display := --encoder wide --stride 2 --filters 4
TRAIN_display := --init runs/pretrained-display-begun --train.freeze nothing --data.limit 400000 --train.epochs 2 --train.learning_rate 0.0015 --train.precision bfloat16
LINES_latin := 750000
BEGIN_latin := --init none --model.encoder dilated --model.filters 4 --data.short_first true --data.batch_size 24 --train.learning_rate 0.002 --train.epochs 1
SHAPE_latin := --encoder dilated --stride 4 --filters 4
GPU_latin := --widest-first 260
TRAIN_latin := --init runs/pretrained-latin-begun --train.freeze nothing --data.limit 24000 --data.batch_size 24 --train.epochs 1 --train.learning_rate 0.0005
LINES_wikipedia := 90000
BEGIN_wikipedia := --init none --model.encoder dilated --data.short_first true --data.batch_size 24 --data.limit 80000 --train.learning_rate 0.002 --train.epochs 4
TRAIN_wikipedia := --init runs/pretrained-wikipedia-begun --train.freeze nothing --data.batch_size 24 --train.learning_rate 0.0015 --train.epochs 3 --train.seed 2
CHECKED_numeric := fresh photographs
# Lines whose characters are counted for a language model.
TEXTS_latin := 600000
TEXTS_wikipedia := 400000
# In whole numbers latin is read 1.6 times as fast; wikipedia too, but with 3% more errors where no language model is asked.
SHIP_latin := --int8

# $(call trained,DATASET,RUN,SETTINGS)
trained = $(BIN)/python train_from_records.py $(1) --run $(2) $$([ -f $(2)/config.json ] && echo --resume) $(3)

ON_GPU = $(and $(TORCH),$(SHAPE_$*))

# $(call on_gpu,NAME)
define on_gpu
$(BIN)/python -m ocrlib.pretrained.gpu begin datasets/$(1).toml runs/$(1)-begun.npz $(SHAPE_$(1))
$(TORCH) -m ocrlib.pretrained.gpu train runs/$(1)-begun.npz datasets/$(1)-large runs/$(1)-learned.npz --minutes 9.55 $(GPU_$(1))
$(BIN)/python -m ocrlib.pretrained.gpu end runs/$(1)-learned.npz datasets/$(1)-large runs/pretrained-$(1)-begun
endef

pretrained-numeric pretrained-display pretrained-latin pretrained-wikipedia: pretrained-%: fonts $(READY) ## a model that comes with ocrlib
	$(BIN)/python generate_data.py datasets/$*.toml --out datasets/$*-large --splits.train $(LINES_$*) --output.formats '["hdf5"]'
	mkdir -p runs
	$(if $(ON_GPU),$(call on_gpu,$*),$(if $(BEGIN_$*),$(call trained,datasets/$*-large,runs/pretrained-$*-begun,$(BEGIN_$*))))
	$(call trained,datasets/$*-large,runs/pretrained-$*,$(TRAIN_$*))
	$(if $(TEXTS_$*),$(BIN)/python -m ocrlib language-model datasets/$*.toml --lines $(TEXTS_$*) --model runs/pretrained-$* --out runs/pretrained-$*/best.ngram)
	$(BIN)/python -m ocrlib evaluate --model runs/pretrained-$* datasets/$*-large --out runs/pretrained-$*/test.json
	for what in $(CHECKED_$*); do $(MAKE) $$what MODEL=runs/pretrained-$* ARGS="--out runs/pretrained-$*/$$what.json" || echo "$$what: see above"; done
	for set in $(REAL); do $(BIN)/python -m ocrlib evaluate --model runs/pretrained-$* "$$set" --out runs/pretrained-$*/real-$$(basename $$set).json; done
	$(BIN)/python -m ocrlib.pretrained.ship runs/pretrained-$* $* $(SHIP_$*)

fresh: $(READY) ## how MODEL reads new strings drawn by trdg itself
	$(BIN)/python -m tests.benchmarks.bench_fresh --model $(MODEL) $(ARGS)

photographs: $(READY) ## how MODEL reads pictures drawn by ImageMagick, in faces that no recipe has
	$(call install,imagemagick fonts-agave fonts-cantarell fonts-crosextra-caladea fonts-crosextra-carlito \
		fonts-fantasque-sans fonts-go fonts-hermit fonts-monoid fonts-mononoki fonts-roboto-slab fonts-sil-gentium)
	$(BIN)/python -m tests.benchmarks.photographs runs/photographs
	$(BIN)/python -m ocrlib evaluate --model $(MODEL) runs/photographs $(ARGS)

# ARGS="-n 8" starts more processes, ARGS="-n 0" none; ARGS=tests/batches runs one room's tests.
# The lines in examples/ and what docs/pictures.md shows.
pictures: $(READY) ## the pictures of the docs and the example lines, drawn again
	$(BIN)/python docs/draw_pictures.py

screens: browser $(READY) ## the pictures of README, of DATA and RUN, which must be there
	$(BIN)/python docs/draw_screens.py $(DATA) $(RUN)

api: $(READY) ## docs/api.md from the docstrings
	$(BIN)/python docs/write_api.py

licences: $(READY) ## docs/licences.md from the metadata of what is installed
	$(BIN)/python docs/write_licences.py

test: $(READY) ## the tests, in two processes
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

# Exit code 1 where a single case comes out wrong. ARGS="--mutations 1000 --seed 7" tries others, --only HDF5 one kind.
hostile: $(READY) ## hostile files of every format by the thousand, and killed trainings: tried, right, fault
	$(BIN)/python -m tests.hostile
	$(BIN)/python -m tests.hostile --mutations 200 $(ARGS)
	$(BIN)/python -m tests.hostile.kills

# Into new environments by plain pip. Of everything (about 3 GB) only the versions are looked for; ARGS=all installs it,
# draws 200 lines and trains an epoch.
wheels-check: $(READY) ## the wheel and the sdist, as a stranger installs and uses them
	$(BIN)/python -m tests.check_wheels $(ARGS)

# Needs docker, or buildah and debootstrap (Debian packages) with ARGS=--debian; ARGS="all --debian" makes the large one.
container-check: $(READY) ## the images of the Dockerfile, built, measured and used
	$(BIN)/python -m tests.check_container $(ARGS)

# Into build/, with tools of its own, which need not be in requirements.lock.
dist: $(READY) ## the wheel and the sdist in build/dist, checked as an index would
	$(PYTHON) -m venv build/tools
	build/tools/bin/pip install --quiet build twine check-wheel-contents
	rm -rf build/dist
	build/tools/bin/python -m build --outdir build/dist .
	build/tools/bin/twine check --strict build/dist/*
	build/tools/bin/check-wheel-contents build/dist/*.whl

docs: $(READY) ## the pages in docs/ as a site in build/site; a link that leads nowhere is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# vulture twice: the first leaves out the tests, because code that only a test calls is unused.
lint: $(READY) ## style, types and unused code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vulture ocrlib tests/benchmarks generate_data.py train_from_records.py
	$(BIN)/vulture

bench: $(BENCHES) ## every benchmark: a table each; `make -k bench` goes on after a missed bar

# Exit code 1 where a bar is missed.
$(BENCHES): $(READY)
	$(BIN)/python -m tests.benchmarks.$(subst -,_,$@) $(ARGS)

# Trainings of a few minutes each, on a dataset that must exist.
bench-encoders: $(READY) ## which encoder reads SENTENCES best after equal minutes
	$(BIN)/python -m tests.benchmarks.bench_encoders $(SENTENCES) $(ARGS)

# REAL="DATASET FOLDER ...": of the folders NAME.png with NAME.gt.txt, running text.
bench-language: $(READY) ## what the language model's say is worth, by its weight
	$(BIN)/python -m tests.benchmarks.bench_language $(REAL) $(ARGS)

bench-init: $(READY) ## whether a start from a model helps on DATA
	$(BIN)/python -m tests.benchmarks.bench_init $(DATA) $(ARGS)

# A first training, then six more, of 300 steps each. docs/browser.md has what it printed.
bench-advise: $(READY) ## whether drawing more of what failed beats the same recipe again
	$(BIN)/python -m tests.benchmarks.bench_advise $(RECIPE) $(ARGS)

# OWN and REAL: folders with a folder of NAME.png and NAME.gt.txt for each set. The whole grid takes hours; it goes on
# where it stopped. docs/own-lines.md has what it printed.
bench-own: $(READY) ## how many lines of your own a reader needs
	$(BIN)/python -m tests.benchmarks.bench_own --own $(OWN) --real $(REAL) $(ARGS)

bench-import: $(READY) ## how fast and in how much memory labelled pictures are imported
	$(BIN)/python -m tests.benchmarks.bench_import $(ARGS)

bench-domains: $(READY) ## whether three first domains read after two minutes, with the defaults
	$(BIN)/python -m tests.benchmarks.bench_domains $(ARGS)

# Needs uv (pip install uv, in an environment of its own). Adds what pyproject.toml asks for and keeps every other
# version; ARGS=--upgrade takes the newest. One file for Python 3.11 to 3.13, with hashes, without an index's address.
lock: ## requirements.lock from pyproject.toml
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --quiet $(ARGS) --output-file requirements.lock

clean: ## removes .venv and all caches; datasets and runs stay
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
