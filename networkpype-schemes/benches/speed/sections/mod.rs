mod authenticate;
mod ccxt;
mod hmac;
mod tokens;

/// Runs the sections that are named on the command line, or all.
pub(crate) fn run() {
    let chosen: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let sections: [(&str, fn()); 4] = [
        ("hmac", hmac::run),
        ("authenticate", authenticate::run),
        ("tokens", tokens::run),
        ("ccxt", ccxt::run),
    ];
    for (name, run) in sections {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            run();
        }
    }
}
