# make train does everything: environment, dataset, training, evaluation.

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

.PHONY: setup fonts data train test lint bench bench-render bench-factory bench-scale bench-loader bench-faults bench-predict bench-train bench-encoders bench-init fresh photographs pretrained-numeric pretrained-wikipedia lock clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("expected Python 3.11 to 3.13, not " + sys.version.split()[0] + "; make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $(READY)
	@echo "next: . $(BIN)/activate, once a terminal; or write $(BIN)/python for python"

# Installs the Debian packages in $(1), unless they are there; needs root and apt-get.
install = [ $$(dpkg-query --show --showformat '$${db:Status-Abbrev}\n' $(1) 2>/dev/null | grep -c '^ii') = $(words $(1)) ] \
	|| { apt-get update && apt-get install --yes --no-install-recommends $(1); }

# Faces that recipes may name as system:serif, :sans, :typewriter and :machine.
fonts:
	$(call install,fonts-3270 fonts-courier-prime fonts-dotgothic16 fonts-freefont-ttf fonts-glasstty \
		fonts-gnutypewriter fonts-inconsolata fonts-liberation2 fonts-linuxlibertine fonts-ocr-a fonts-ocr-b \
		fonts-spleen fonts-terminus fonts-texgyre fonts-tlwg-typewriter-ttf fonts-unifont fonts-urw-base35)

data: $(READY)
	$(BIN)/python generate_data.py $(RECIPE) $(ARGS)

# Makes the dataset first where it has a recipe of its name; a run that is there is resumed.
train: $(READY)
	@if [ -f $(DATA).toml ]; then $(BIN)/python generate_data.py $(DATA).toml; fi
	$(BIN)/python train_from_records.py $(DATA) --run $(RUN) $$([ -f $(RUN)/config.json ] && echo --resume) $(ARGS)

# The models that come with ocrlib, from nothing; an hour or three each, and what is there already is gone on with.
# REAL=FOLDER adds the figures of NAME.png with NAME.gt.txt to the card; nothing is trained by them.
LINES_numeric := 1000000
TRAIN_numeric := --model.encoder wide --model.filters 2 --train.epochs 2
LINES_wikipedia := 90000
# In two trainings: the second starts where the first ended, at the full rate again.
BEGIN_wikipedia := --model.encoder dilated --data.short_first true --data.batch_size 24 --data.limit 80000 --train.learning_rate 0.002 --train.epochs 4
TRAIN_wikipedia := --init runs/pretrained-wikipedia-begun --data.batch_size 24 --train.learning_rate 0.0015 --train.epochs 3 --train.seed 2
CHECKED_numeric := fresh photographs

# $(call trained,DATASET,RUN,SETTINGS)
trained = $(BIN)/python train_from_records.py $(1) --run $(2) $$([ -f $(2)/config.json ] && echo --resume) $(3)

pretrained-numeric pretrained-wikipedia: pretrained-%: fonts $(READY)
	$(BIN)/python generate_data.py datasets/$*.toml --out datasets/$*-large --splits.train $(LINES_$*) --output.formats '["hdf5"]'
	$(if $(BEGIN_$*),$(call trained,datasets/$*-large,runs/pretrained-$*-begun,$(BEGIN_$*)))
	$(call trained,datasets/$*-large,runs/pretrained-$*,$(TRAIN_$*))
	$(BIN)/python -m ocrlib evaluate --model runs/pretrained-$* datasets/$*-large --out runs/pretrained-$*/test.json
	for what in $(CHECKED_$*); do $(MAKE) $$what MODEL=runs/pretrained-$* ARGS="--out runs/pretrained-$*/$$what.json" || echo "$$what: see above"; done
	if [ -n "$(REAL)" ]; then $(BIN)/python -m ocrlib evaluate --model runs/pretrained-$* "$(REAL)" --out runs/pretrained-$*/real.json; fi
	$(BIN)/python -m ocrlib.pretrained.ship runs/pretrained-$* $*

# Fresh strings of stock trdg, read by MODEL.
fresh: $(READY)
	$(BIN)/python -m tests.benchmarks.bench_fresh --model $(MODEL) $(ARGS)

# Pictures made by ImageMagick in faces that no recipe draws with, read by MODEL.
photographs: $(READY)
	$(call install,imagemagick fonts-agave fonts-cantarell fonts-crosextra-caladea fonts-crosextra-carlito \
		fonts-fantasque-sans fonts-go fonts-hermit fonts-monoid fonts-mononoki fonts-roboto-slab fonts-sil-gentium)
	$(BIN)/python -m tests.benchmarks.photographs runs/photographs
	$(BIN)/python -m ocrlib evaluate --model $(MODEL) runs/photographs $(ARGS)

# In two processes; ARGS="-n 8" for more, ARGS="-n 0" for one that prints as it goes.
test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: bench-render bench-factory bench-scale bench-loader bench-faults bench-predict bench-train

# Each prints a table and ends with exit code 1 if a bar is missed: `make -k bench` runs them all.
bench-render bench-factory bench-scale bench-loader bench-faults bench-predict bench-train: $(READY)
	$(BIN)/python -m tests.benchmarks.$(subst -,_,$@) $(ARGS)

# Trainings of a few minutes each on a dataset that is there: which encoder, and whether a start from a model helps.
bench-encoders: $(READY)
	$(BIN)/python -m tests.benchmarks.bench_encoders $(SENTENCES) $(ARGS)

bench-init: $(READY)
	$(BIN)/python -m tests.benchmarks.bench_init $(DATA) $(ARGS)

# Needs uv (https://docs.astral.sh/uv); one file for Python 3.11 to 3.13, hashes and no index named.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --upgrade --output-file requirements.lock

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
