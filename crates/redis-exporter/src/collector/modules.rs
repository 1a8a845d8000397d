//! Loaded modules and what they tell of themselves: the answer to `INFO MODULES`.

use super::Out;
use crate::info::Info;

/// The labels of a module, in the order of the parts of its line.
const PARTS: &[&str] = &["name", "ver", "api", "filters", "usedby", "using"];

/// Adds a metric for each module: `module:name=x,ver=1,api=1,filters=0,usedby=[a|b],using=[],options=[]`.
pub fn emit(out: &mut Out<'_>, info: &Info) {
    for field in info.fields().iter().filter(|field| field.name == "module") {
        let labels: Vec<(&str, &str)> =
            PARTS.iter().map(|name| (*name, part(&field.value, name).unwrap_or(""))).collect();
        out.gauge("module_info", "Information about loaded Redis module", &labels, 1.0);
    }
}

/// The value of a part; one in brackets ends with them, whatever it holds.
fn part<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let at = line.match_indices(name).map(|(at, _)| at).find(|at| {
        let begins = *at == 0 || line.as_bytes()[at - 1] == b',';
        begins && line[at + name.len()..].starts_with('=')
    })?;
    let value = &line[at + name.len() + 1..];
    let end = if value.starts_with('[') { value.find(']').map(|end| end + 1) } else { value.find(',') };
    Some(&value[..end.unwrap_or(value.len())])
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn lists_in_brackets_stay_whole() {
        let line = "name=a,ver=21005,api=1,filters=0,usedby=[x,name=y],using=[],options=[handle-io-errors]";
        let check = |name: &str, expected: Option<&str>| assert_eq!(part(line, name), expected, "{name}");
        check("name", Some("a"));
        check("ver", Some("21005"));
        check("usedby", Some("[x,name=y]"));
        check("using", Some("[]"));
        check("nothing", None);
        assert_eq!(part("usedby=[", "usedby"), Some("["));
    }
}
