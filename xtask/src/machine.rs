//! Facts about the machine that a report needs to be comparable: never a name, a path or a date.

use std::path::Path;

use crate::run;

/// `2 cores, 23 GB memory, rustc 1.95.0`.
pub(crate) fn facts(root: &Path) -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory_gb(&text));
    let memory = memory.map_or_else(|| "unknown memory".to_owned(), |gb| format!("{gb} GB memory"));
    let rustc = run::captured(root, &["rustc", "--version"])?;
    let rustc: Vec<&str> = rustc.split_whitespace().take(2).collect();
    Ok(format!("{cores} cores, {memory}, {}", rustc.join(" ")))
}

fn memory_gb(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1_048_576)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_whole_gigabytes() {
        assert_eq!(memory_gb("MemTotal:       24566556 kB\nMemFree: 1 kB\n"), Some(23));
        assert_eq!(memory_gb("nothing"), None);
    }

    #[test]
    fn facts_name_no_host_and_no_path() {
        let facts = facts(Path::new(".")).expect("rustc runs");
        assert!(facts.contains("cores") && facts.contains("rustc "), "{facts}");
        assert!(!facts.contains('/'), "{facts}");
    }
}
