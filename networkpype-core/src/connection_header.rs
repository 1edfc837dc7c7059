/// Whether transports set this header, named in lower case, themselves, so that another value would be refused or break
/// the connection. No credential can be put there.
pub fn is_connection_header(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name) || name.starts_with("sec-websocket-")
}
