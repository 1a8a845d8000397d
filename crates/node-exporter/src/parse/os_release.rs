//! `/etc/os-release`: assignments in the syntax of the shell.

use std::collections::HashMap;

use super::ParseError;

/// The assignments of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OsRelease {
    values: HashMap<String, String>,
}

impl OsRelease {
    /// A value, or the empty string.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }

    /// The major and minor part of `VERSION_ID` as a number: 20.04 for `20.04.2 LTS`.
    #[must_use]
    pub fn version_number(&self) -> Option<f64> {
        let text = self.get("VERSION_ID");
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let major = digits(text);
        let end = match text.get(major..)?.strip_prefix('.') {
            Some(rest) => major + 1 + digits(rest),
            None => major,
        };
        text.get(..end)?.trim_end_matches('.').parse().ok().filter(|version| *version > 0.0)
    }
}

/// Parses the file.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<OsRelease, ParseError> {
    let mut values = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| ParseError::at(at, "not an assignment", line))?;
        let value = unquote(value.trim()).ok_or_else(|| ParseError::at(at, "quote without an end", line))?;
        values.insert(key.trim().to_owned(), value);
    }
    Ok(OsRelease { values })
}

/// The text without its quotes. In double quotes a backslash takes the special meaning from the next character.
fn unquote(text: &str) -> Option<String> {
    if let Some(quoted) = text.strip_prefix('\'') {
        return Some(quoted.split_once('\'')?.0.to_owned());
    }
    let Some(quoted) = text.strip_prefix('"') else {
        // A comment may follow.
        return Some(text.split(" #").next().unwrap_or(text).trim_end().to_owned());
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_versions() {
        let release = parse(
            "# a comment\nNAME=\"Ubuntu\"\nVERSION_ID='20.04.2'\nID=ubuntu\nPRETTY_NAME=\"A \\\"B\\\" \\$C\"\n\nEMPTY=\n",
        )
        .unwrap();
        assert_eq!((release.get("NAME"), release.get("ID"), release.get("EMPTY")), ("Ubuntu", "ubuntu", ""));
        assert_eq!(release.get("PRETTY_NAME"), "A \"B\" $C");
        assert_eq!(release.version_number(), Some(20.04));
        let version = |id: &str| parse(&format!("VERSION_ID={id}")).unwrap().version_number();
        assert_eq!(
            [version("12"), version("3."), version("rolling"), version("")],
            [Some(12.0), Some(3.0), None, None]
        );
    }

    #[test]
    fn garbage_names_its_line() {
        assert_eq!(parse("A=1\nB").unwrap_err().line, 2);
        assert_eq!(parse("A=\"x").unwrap_err().line, 1);
    }
}
