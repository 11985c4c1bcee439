# The front door: meson and ninja do the work.
BUILD ?= build
# Where the recordings are: beside the checkout, else the user's own folder (see README).
ifneq ($(wildcard ../shared/data),)
export FRUGAL_DATA ?= $(abspath ../shared/data)
endif

.PHONY: all setup build demo test check-sanitize check-clang check-clients bench bench-networks install clean

all: build

# Installs what is missing from the distribution, or says how.
setup:
	@sh tools/setup.sh

$(BUILD)/build.ninja: | setup
	meson setup $(BUILD)

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

demo: build
	@$(BUILD)/frugal demo

test: build
	@sh tools/test.sh $(BUILD)

check-sanitize: setup
	@sh tools/sanitize.sh

check-clang: setup
	@test -f build-clang/build.ninja || CC=clang-14 meson setup build-clang -Dwerror=true
	@ninja -C build-clang

check-clients: build
	@sh tools/clients.sh $(BUILD)

bench: build
	@ninja -C $(BUILD) bench/bench_kern
	@$(BUILD)/bench/bench_kern
	@python3 bench/startup.py $(BUILD)/frugal

# PEERS: where bench/setup-peers.sh has installed other libraries; without it frugal alone.
bench-networks: build
	@ninja -C $(BUILD) bench/bench_network
	@python3 bench/networks.py --build $(BUILD) $(if $(PEERS),--python $(PEERS)/bin/python)

install: build
	meson install -C $(BUILD)

clean:
	rm -rf build build-clang build-sanitize
