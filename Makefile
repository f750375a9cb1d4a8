# CrawlHub. `make run` and `make test` need nothing done by hand before.
#
# CRAWLHUB_CACHE names a folder in which builds and the tests' Python environments are kept between clones.
SHELL := /bin/bash
ifdef CRAWLHUB_CACHE
export CARGO_TARGET_DIR := $(CRAWLHUB_CACHE)/target
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)
# What is as it is whichever engine keeps the rows: how clocks change, how spiders are started and what they may do, the
# doors to containers, and the memory a zip costs.
ONE_ENGINE := --skip api::clock_changes --skip running::confinement --skip running::hostile --skip running::site \
  --skip running::environments --skip running::entry_points --skip running::proxies --skip api::editor_door \
  --skip api::instance_door --skip bombs_cost_no_memory

.PHONY: run demo test check ui openapi shots test-sqlite test-postgres test-mongo test-s3 test-docker test-sdk test-web bench release

## Builds what is missing and serves on http://127.0.0.1:8000, data in ./data.
run: ui
	cargo build --locked --profile quick --bin crawlhub
	exec $(TARGET)/quick/crawlhub serve

## Runs the example spiders against a real site on this machine and shows what they brought back.
demo: ui
	cargo build --locked --profile quick --bin crawlhub
	scripts/install-parts demo
	python3 examples/demo.py --server $(TARGET)/quick/crawlhub

## The admin UI, which the server carries; without npm it is left out, and the server says so.
ui:
	scripts/build-ui

## Writes down what the server says of its API: the types of the admin UI are made from it.
openapi:
	cargo run --locked --bin crawlhub -- openapi > web/openapi.json.new && mv web/openapi.json.new web/openapi.json

## Pictures of every page of the admin UI, in both themes and widths: web/shots.
shots: ui
	cargo build --locked --bin crawlhub
	cd web && CRAWLHUB_BIN=$(abspath $(TARGET))/debug/crawlhub npx playwright test --config shots.config.ts

## Installs what the tests need, where it can, and runs them all.
test:
	scripts/install-parts test
	@# What needs no compiler is prepared while the compiler works.
	scripts/build-images --prepare & images=$$!; \
	  $(MAKE) ui && $(MAKE) check && $(MAKE) test-sdk && $(MAKE) test-sqlite && $(MAKE) test-web; \
	  made=$$?; wait $$images; exit $$made
	$(MAKE) test-postgres
	$(MAKE) test-mongo
	$(MAKE) test-s3
	$(MAKE) test-docker

## Form and lints.
check:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

## The SDK against a server that fails in every way.
test-sdk:
	scripts/test-sdk

## The admin UI in a browser, on the server's own binary: as the other tests build it, which is not as `cargo build` does.
test-web:
	cargo test --locked --no-run --test suite
	CRAWLHUB_BIN=$(abspath $(TARGET))/debug/crawlhub scripts/test-web

test-sqlite:
	scripts/with-mysql cargo test --locked -- --skip docker::

## The same suite on a PostgreSQL of its own.
test-postgres:
	scripts/with-postgres scripts/with-mysql cargo test --locked -- --skip docker:: $(ONE_ENGINE)

## What runs in containers, on a Docker of its own; those that stop it come last, and alone. Then what runs on a swarm.
test-docker:
	scripts/with-docker $(MAKE) test-in-docker
	cargo test --locked --no-run --test suite
	scripts/with-postgres --or-without scripts/with-swarm cargo test --locked --test suite -- docker::swarm --test-threads=1

.PHONY: test-in-docker
test-in-docker:
	cargo test --locked --lib containers::
	cargo test --locked --test suite -- docker:: --skip docker::faults --skip docker::swarm
	CRAWLHUB_BIN=$(abspath $(TARGET))/debug/crawlhub scripts/test-web editor.spec.ts sandboxes.spec.ts
	cargo test --locked --test suite -- docker::faults --test-threads=1

## What touches items and logs, with these in MongoDB.
test-mongo:
	scripts/with-postgres scripts/with-mongo cargo test --locked --lib documents::
	scripts/with-postgres scripts/with-mysql scripts/with-mongo cargo test --locked --test suite -- \
	  api::browsing api::data:: api::exports running::items running::logs:: running::mongodb running::sdk \
	  running::sinks::a_ running::sinks::fields running::sinks::items running::sinks::names running::test_runs --skip a_reader_that_goes_away --skip a_slow_reader --skip a_page_of_large_items --skip twenty_thousand_items \
  --skip what_broke_off_goes_on
	scripts/with-postgres scripts/with-mongo cargo test --locked --test suite -- import::

## What touches files, with these in a bucket.
test-s3:
	scripts/with-postgres scripts/with-s3 cargo test --locked --test suite -- servers:: api::files running::items
	scripts/with-s3 cargo test --locked --test suite -- servers::bucket api::files

## What the README claims of speed. Builds what ships.
bench: ui
	cargo build --locked --release --bin crawlhub
	scripts/install-parts bench
	python3 benches/bench.py --server $(TARGET)/release/crawlhub
	python3 benches/data.py --server $(TARGET)/release/crawlhub
	python3 benches/logs.py --server $(TARGET)/release/crawlhub
	python3 benches/nodes.py --server $(TARGET)/release/crawlhub
	scripts/with-postgres python3 benches/servers.py --server $(TARGET)/release/crawlhub
	scripts/with-docker python3 benches/editors.py --server $(TARGET)/release/crawlhub
	scripts/with-docker python3 benches/instances.py --server $(TARGET)/release/crawlhub
	scripts/with-docker python3 benches/sandboxes.py --server $(TARGET)/release/crawlhub

release: ui
	cargo build --locked --release --bin crawlhub
