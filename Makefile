# Two commands do everything: `make demo` and `make test`.

.PHONY: setup demo test check screenshot

# Installs what is missing (Debian, Ubuntu, Raspberry Pi OS).
setup:
	@sh deploy/setup.sh

# Builds and opens the live dashboard on the built-in phantom.
demo: setup
	cargo run --release --locked

# Passes the tests.
test: setup
	cargo test --locked

# What the gate checks before the tests.
check: setup
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

# Renews the README's picture (needs tmux and python3 with Pillow).
screenshot:
	cargo build --release --locked
	python3 tests/screenshot.py deploy/dashboard.png
