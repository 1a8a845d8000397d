//! Addresses as they stand in `to` and `from`: `a@b.c`, `Name <a@b.c>`, `"Last, First" <a@b.c>`, several with commas.

/// The bare addresses of a list.
///
/// # Errors
/// A sentence with the part that is not an address.
pub(super) fn list(text: &str) -> Result<Vec<String>, String> {
    let parts = split(text)?;
    parts.iter().map(|part| bare(part)).collect()
}

/// Splits at commas that stand outside of quotes, comments and angle brackets.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut comments, mut in_angle, mut escaped) = (false, 0_usize, false, false);
    for c in text.chars() {
        if c.is_control() && c != '\t' {
            return Err(format!("{text:?} holds a control character"));
        }
        let part = parts.last_mut().expect("never empty");
        if std::mem::take(&mut escaped) {
            if comments == 0 {
                part.push(c);
            }
            continue;
        }
        match c {
            '\\' if quoted || comments > 0 => escaped = true,
            '"' if comments == 0 => quoted = !quoted,
            '(' if !quoted => comments += 1,
            ')' if comments > 0 => comments -= 1,
            '<' if !quoted && comments == 0 => in_angle = true,
            '>' if !quoted && comments == 0 => in_angle = false,
            ',' if !quoted && comments == 0 && !in_angle => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        let is_comment = comments > 0 || c == ')' && !quoted;
        if !is_comment && !escaped {
            part.push(c);
        }
    }
    if quoted || comments > 0 || in_angle {
        return Err(format!("{text:?} has something that is not closed"));
    }
    Ok(parts)
}

/// The address without the name.
fn bare(part: &str) -> Result<String, String> {
    let part = part.trim();
    let address = match (part.rfind('<'), part.strip_suffix('>')) {
        (Some(at), Some(_)) => part[at + 1..part.len() - 1].trim(),
        (None, None) => part,
        _ => return Err(format!("{part:?} is not an address")),
    };
    let Some((local, domain)) = address.rsplit_once('@') else {
        return Err(format!("{part:?} is not an address"));
    };
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || "<>,;:\"()".contains(c);
    let is_domain_literal = domain.starts_with('[') && domain.ends_with(']');
    if local.is_empty()
        || local.contains(['@', '[', ']'])
        || local.contains(is_wrong)
        || domain.is_empty()
        || !is_domain_literal && domain.contains(is_wrong)
        || domain.contains(char::is_whitespace)
    {
        return Err(format!("{part:?} is not an address"));
    }
    Ok(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn lists_are_read() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(list(text), Ok(expected.iter().map(|&text| text.to_owned()).collect()), "{text}");
        };
        check("a@b.c", &["a@b.c"]);
        check(" a@b.c ,Team <d@e.f>", &["a@b.c", "d@e.f"]);
        check("\"Last, First\" <a@b.c>, x+y@z (the <other> one)", &["a@b.c", "x+y@z"]);
        check("m\u{fc}ller@b.c", &["m\u{fc}ller@b.c"]);
        check("\"a \\\" b\" <a@[127.0.0.1]>", &["a@[127.0.0.1]"]);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in
            ["", "a", "a@", "@b", "a b@c", "a@b,", "a@b\r\nRCPT TO:<x@y>", "<a@b", "a@b>", "a@b <c@d> e", "\"a@b"]
        {
            assert!(list(wrong).is_err(), "{wrong:?}: {:?}", list(wrong));
        }
    }
}
