//! `/proc/cpuinfo`: a paragraph for each CPU, with names that differ between architectures.

use super::{ParseError, number};

/// What a paragraph says; what it does not say is empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CpuInfo {
    /// `processor`
    pub processor: u32,
    /// `vendor_id`
    pub vendor: String,
    /// `cpu family`
    pub family: String,
    /// `model`
    pub model: String,
    /// `model name`
    pub model_name: String,
    /// `stepping`
    pub stepping: String,
    /// `microcode`
    pub microcode: String,
    /// `cpu MHz`
    pub mhz: f64,
    /// `cache size`
    pub cache_size: String,
    /// `physical id`
    pub package: String,
    /// `core id`
    pub core: String,
    /// `flags`
    pub flags: Vec<String>,
    /// `bugs`
    pub bugs: Vec<String>,
}

/// Parses the paragraphs.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Vec<CpuInfo>, ParseError> {
    let mut cpus: Vec<CpuInfo> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if key.trim() == "processor" {
            cpus.push(CpuInfo { processor: number(at, value)?, ..CpuInfo::default() });
            continue;
        }
        // Some architectures begin with lines about the whole machine.
        let Some(cpu) = cpus.last_mut() else { continue };
        let words = || value.split_whitespace().map(str::to_owned).collect();
        match key.trim() {
            "vendor" | "vendor_id" | "CPU implementer" => value.clone_into(&mut cpu.vendor),
            "cpu family" => value.clone_into(&mut cpu.family),
            "model" => value.clone_into(&mut cpu.model),
            "model name" => value.clone_into(&mut cpu.model_name),
            "stepping" => value.clone_into(&mut cpu.stepping),
            "microcode" => value.clone_into(&mut cpu.microcode),
            "cpu MHz" => cpu.mhz = number(at, value)?,
            "cache size" => value.clone_into(&mut cpu.cache_size),
            "physical id" => value.clone_into(&mut cpu.package),
            "core id" => value.clone_into(&mut cpu.core),
            "flags" | "Features" => cpu.flags = words(),
            "bugs" => cpu.bugs = words(),
            _ => {}
        }
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn two_cpus() {
        let text = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu MHz\t\t: 799.998\ncache size\t: 8192 KB\n\
                    flags\t\t: fpu aes\nbugs\t\t:\n\nprocessor\t: 1\ncore id\t\t: 5\n\n";
        let cpus = parse(text).unwrap();
        assert_eq!(cpus.len(), 2);
        assert_eq!(
            (cpus[0].vendor.as_str(), cpus[0].mhz, cpus[0].cache_size.as_str()),
            ("GenuineIntel", 799.998, "8192 KB")
        );
        assert_eq!((cpus[0].flags.len(), cpus[0].bugs.len()), (2, 0));
        assert_eq!((cpus[1].processor, cpus[1].core.as_str()), (1, "5"));
        assert_eq!(parse("processor: one").unwrap_err().line, 1);
    }
}
