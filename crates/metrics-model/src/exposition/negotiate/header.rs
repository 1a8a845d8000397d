//! `Accept` and `Content-Type` headers, taken apart.

/// A media type with its parameters, type and parameter names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    essence: String,
    parameters: Vec<(String, String)>,
}

impl ContentType {
    /// Reads `text/plain; version=0.0.4; charset="utf-8"`. `None`: not of that form.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (essence, mut rest) = split_once_or_all(header, ';');
        let essence = essence.trim().to_ascii_lowercase();
        let mut kinds = essence.splitn(2, '/');
        if !kinds.all(is_token) {
            return None;
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                return Some(Self { essence, parameters });
            }
            if let Some(tail) = rest.strip_prefix(';') {
                rest = tail;
                continue;
            }
            let (name, tail) = rest.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let (value, tail) = parameter_value(tail.trim_start())?;
            if !is_token(&name) || parameters.iter().any(|(other, _)| *other == name) {
                return None;
            }
            parameters.push((name, value));
            rest = tail.trim_start();
            if !rest.is_empty() && !rest.starts_with(';') {
                return None;
            }
        }
    }

    /// The type without parameters: `text/plain`.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The value of the parameter `name`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Names and values of the parameters.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What is before and after the slash.
    pub(super) fn kinds(&self) -> (&str, &str) {
        self.essence.split_once('/').unwrap_or((&self.essence, ""))
    }
}

/// The clauses of an `Accept` header, the preferred first, then the more exact; what is not of the form is left out.
pub(super) fn accept_clauses(header: &str) -> Vec<ContentType> {
    let mut clauses: Vec<(f64, ContentType)> = header
        .split(',')
        .filter_map(|clause| {
            let clause = ContentType::parse(clause.trim())?;
            let weight = clause.parameter("q").map_or(1.0, |q| q.parse().unwrap_or(1.0));
            (weight > 0.0).then_some((weight, clause))
        })
        .collect();
    let wildcards = |clause: &ContentType| clause.essence.matches('*').count();
    clauses.sort_by(|(a_weight, a), (b_weight, b)| {
        b_weight.total_cmp(a_weight).then_with(|| wildcards(a).cmp(&wildcards(b)))
    });
    clauses.into_iter().map(|(_, clause)| clause).collect()
}

fn split_once_or_all(text: &str, separator: char) -> (&str, &str) {
    text.split_once(separator).unwrap_or((text, ""))
}

/// Reads a token or a quoted string, and gives what follows.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, _) = split_once_or_all(text, ';');
        let value = value.trim_end();
        return is_token(value).then(|| (value.to_owned(), &text[value.len()..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}
