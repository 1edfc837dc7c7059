//! Runnable examples of NetworkPype. Each is a file beside this folder, and runs offline, against a local exchange.
