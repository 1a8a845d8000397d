//! Sizes as flags and configuration have them: `512MB`, powers of two.

/// Units from large to small. A bare `B` must come last: all others end in it.
const UNITS: [(&str, u32); 7] = [("EB", 60), ("PB", 50), ("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10), ("B", 0)];

/// Reads a size with its unit; `0` needs none.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_size(text: &str) -> Result<u64, String> {
    if text == "0" {
        return Ok(0);
    }
    let wrong = || format!("{text:?} is not a size: want a number and one of B, KB, MB, GB, TB, PB, EB");
    let (number, shift) = UNITS
        .iter()
        .find_map(|(unit, shift)| {
            // Both `KB` and `KiB` mean 1024 bytes.
            let number = text.strip_suffix(unit).or_else(|| text.strip_suffix(&unit.replace('B', "iB")))?;
            Some((number, *shift))
        })
        .ok_or_else(wrong)?;
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let bytes = number * (1_u64 << shift) as f64;
    if !(0.0..9.3e18).contains(&bytes) {
        return Err(wrong());
    }
    Ok(bytes as u64)
}
