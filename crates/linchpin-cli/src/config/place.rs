//! Places in the configuration's text, shown without secrets.

/// What the reader says, without the place (shown apart).
pub(super) fn message(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
    match text.rfind(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// The line, the one before it, and a caret below the column (both counted from 1).
pub(super) fn snippet(text: &str, line: u64, column: u64) -> Option<String> {
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.max(1);
    let shown = safe(text.lines().nth(at)?);
    let width = line.to_string().len();
    let before = at
        .checked_sub(1)
        .and_then(|previous| text.lines().nth(previous))
        .map(|previous| format!("{:>width$} | {}\n", line - 1, safe(previous)))
        .unwrap_or_default();
    let caret = " ".repeat((column - 1).min(shown.chars().count()));
    Some(format!("{before}{line} | {shown}\n{:width$} | {caret}^", ""))
}

/// A line of the file; the value after `token:` is hidden unless it is a reference.
fn safe(line: &str) -> String {
    let Some((key, value)) = line.split_once("token:") else { return line.to_owned() };
    let value = value.trim_matches([' ', '"', '\'']);
    let harmless = value.is_empty() || ["env:", "file:", "pat-test-"].iter().any(|start| value.starts_with(start));
    if harmless { line.to_owned() } else { format!("{key}token: [hidden]") }
}
