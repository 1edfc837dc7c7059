# Everything that CI runs.
ci:
    bash .ci/run

# The tests, as the README names them.
test:
    cargo test --workspace

# Installs the servers of others that tests of logins and signatures run against; all groups, or those named.
peers *groups:
    networkpype-test/peers/setup.sh {{groups}}

# Format and lints.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-features --all-targets -- -D warnings

# Each feature alone.
features:
    bash .ci/features

# Which crate may depend on which.
graph:
    bash .ci/crate-graph

# Fuzzes what strangers send, a minute and a half each; needs `cargo install cargo-fuzz`.
fuzz seconds="90":
    bash fuzz/run feedback {{seconds}}
    bash fuzz/run config {{seconds}}
