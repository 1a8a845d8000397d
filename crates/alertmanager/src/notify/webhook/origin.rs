//! Whether an address that a template made still leads where its author meant it to.
//!
//! Labels come from whoever reports alerts. Within a path they can do no harm; within the host `{{ .x }}.example.com` a
//! label such as `evil.example/` would send notifications, and the credentials for them, elsewhere.

use url::Url;

/// Whether the rendered address has the parts of the host that stand in the template as they are.
pub(super) fn is_kept(template: &str, rendered: &Url) -> bool {
    let Some((before, rest)) = template.split_once("://") else {
        // The scheme itself is a template: the whole address is meant to come from the data.
        return true;
    };
    if before.contains("{{") {
        return true;
    }
    let authority = authority(rest).to_lowercase();
    let (Some(start), Some(end)) = (authority.find("{{"), authority.rfind("}}")) else {
        // Nothing that follows a host can change it.
        return true;
    };
    let (first, last) = (&authority[..start], &authority[end + 2..]);
    let Some(host) = rendered.host_str() else { return false };
    let with_port = format!("{host}:{}", rendered.port_or_known_default().unwrap_or_default());
    let has_user = !rendered.username().is_empty() || rendered.password().is_some();
    let begins = authority.contains('@') || !has_user && host.starts_with(first);
    begins && (host.ends_with(last) || with_port.ends_with(last))
}

/// What stands before the path; within braces a slash is part of the template.
fn authority(rest: &str) -> &str {
    let mut depth = 0_usize;
    let bytes = rest.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'/' | b'?' | b'#' if depth == 0 => return &rest[..at],
            _ => {}
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_lead_elsewhere() {
        let check = |template: &str, rendered: &str, expected: bool| {
            assert_eq!(is_kept(template, &Url::parse(rendered).expect("an address")), expected, "{rendered}");
        };
        check("https://hooks.example.com/{{ .x }}", "https://hooks.example.com/a?b", true);
        check("https://u:p@hooks.example.com:8080/{{ .x }}", "https://u:p@hooks.example.com:8080/a", true);
        check("https://{{ .x }}.example.com/hook", "https://team.example.com/hook", true);
        check("https://{{ .x }}.example.com/hook", "https://evil.test/.example.com/hook", false);
        check("https://{{ .x }}.example.com/hook", "https://evil.test#.example.com/hook", false);
        check("https://hooks{{ .x }}/hook", "https://hooks@evil.test/hook", false);
        check("https://hooks{{ .x }}/hook", "https://hooks-a/hook", true);
        check("https://{{ .x }}:8080/", "https://a:8080/", true);
        check("https://{{ .x }}.Example.com:443/", "https://a.example.com/", true);
        check("{{ .x }}", "https://anything.test/", true);
    }
}
