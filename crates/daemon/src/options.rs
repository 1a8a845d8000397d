//! What every daemon's command line shares.

/// What `--version` prints after the program's name, in the shape that scripts know from the originals.
pub const VERSION: &str = concat!("version ", env!("CARGO_PKG_VERSION"));

/// The first address of `--web.listen-address`, with the original's short form `:9090` for all interfaces.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_listen_address(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').ok_or_else(|| format!("{text:?} has no port: want HOST:PORT or :PORT"))?;
    port.parse::<u16>().map_err(|_| format!("{port:?} is not a port number"))?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.contains(':') && !bracketed {
        return Err(format!("{host:?}: IPv6 addresses stand in brackets, as in [::1]:9090"));
    }
    Ok(if host.is_empty() { format!("[::]:{port}") } else { text.to_owned() })
}
