# Thin on purpose: each target says in a line or two what it runs, and CMakeLists.txt does the work.

JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
VENV   ?= build/venv
PYTHON  = $(VENV)/bin/python

PACKAGES      = cmake ninja-build pkg-config g++ libprotobuf-c-dev protobuf-c-compiler \
                libjansson-dev libpcre2-dev libutf8proc-dev libpthreadpool-dev
TEST_PACKAGES = libcmocka-dev clang-14 clang-format-14 libclang-rt-14-dev python3-venv python3-dev
C_FILES       = $(shell find src include apps tests bench python/ext -name '*.[ch]' 2>/dev/null)

.PHONY: build deps test-deps demo check bench format format-check conformance fuzz soak clean

# The tests stay out of the plain build, so that it needs nothing but the product's own libraries.
build:
	cmake --preset release -DQUINCE_TESTS=OFF
	cmake --build --preset release -j $(JOBS)

deps:
	tools/install_packages $(PACKAGES)

test-deps: deps $(VENV)/.ready
	tools/install_packages $(TEST_PACKAGES)

$(VENV)/.ready: tools/test_requirements.txt
	tools/install_packages python3-venv
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r tools/test_requirements.txt
	touch $@

demo: deps
	@$(MAKE) --no-print-directory build
	examples/demo.sh

# Everything that must hold before a change is merged: the tests with gcc, again under the address
# and undefined behaviour sanitizers, a build with clang, and the Python tests. The source checks of
# tools/ are among the tests.
check: test-deps
	cmake --preset release -DQUINCE_TESTS=ON
	cmake --build --preset release -j $(JOBS)
	ctest --preset release -j $(JOBS)
	cmake --preset asan
	cmake --build --preset asan -j $(JOBS)
	ctest --preset asan -j $(JOBS)
	cmake --preset clang
	cmake --build --preset clang -j $(JOBS)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation .
	$(PYTHON) -m pytest -q

# Each kernel's benchmark, then the models' against the peers that are installed.
bench: build
	cmake --build --preset release -j $(JOBS) --target benches
	@for bench in build/release/bench/*; do \
	    if [ -x "$$bench" ]; then echo "== $${bench##*/}"; "$$bench" || exit 1; fi; done
	@if [ -x bench/run ]; then bench/run build/release; fi

format:
	clang-format-14 -i $(C_FILES)

format-check:
	clang-format-14 --dry-run -Werror $(C_FILES)

# The long runs. Each is one script; it says what it found and fails when that is wrong.
conformance: build
	@tools/run_script tests/conformance.sh build/release
fuzz:
	@tools/run_script tests/fuzz/run.sh
soak: build
	@tools/run_script tests/soak.sh build/release

clean:
	rm -rf build
