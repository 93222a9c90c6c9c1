//! The new body of a dead letter: from a file, from standard input, or from a person's editor.
//!
//! A body holds values of records: the file for the editor is readable by its owner alone, and removed afterwards, unless
//! what is in it is no JSON: then it is named, so that no work is lost.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use linchpin_server::admin::dead_letters::DeadLetterDetail;
use serde_json::Value;

use crate::args::DlqEditArgs;
use crate::failure::{Code, Exit, Failure};

/// No promised write has a larger body.
const BODY_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// What edits where nothing is named.
const EDITOR: &str = "vi";

/// The new body; none if it is what it was.
pub(super) async fn body(
    args: &DlqEditArgs,
    letter: &DeadLetterDetail,
    interactive: bool,
) -> Result<Option<Bytes>, Failure> {
    let text = match &args.body {
        Some(file) => {
            let text = given(file)?;
            check(&text, None)?;
            text
        }
        None => edited(&args.id, &shown(&letter.request.body), interactive).await?,
    };
    let same = serde_json::from_slice::<Value>(&text).is_ok_and(|value| value == letter.request.body);
    Ok((!same).then(|| text.into()))
}

/// A body as it is given to an editor.
fn shown(body: &Value) -> String {
    match body {
        // It is no JSON: as it stands.
        Value::String(text) => text.clone(),
        body => format!("{body:#}\n"),
    }
}

fn given(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: &io::Error| {
        Failure::new(
            Code::Unanswered,
            format!("cannot read {}: {error}", file.display()),
            "name a file with the new body, or `-` for standard input",
        )
    };
    let mut text = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(BODY_BYTES_MAX + 1).read_to_end(&mut text)
    } else {
        fs::File::open(file).and_then(|file| file.take(BODY_BYTES_MAX + 1).read_to_end(&mut text))
    };
    read.map_err(|error| unreadable(&error))?;
    Ok(text)
}

/// Whether a body is one. `kept` is where it still lies.
fn check(text: &[u8], kept: Option<&Path>) -> Result<(), Failure> {
    let left = kept.map(|path| format!("; it is still in {}", path.display())).unwrap_or_default();
    if text.len() as u64 > BODY_BYTES_MAX {
        let what = format!("the body has more than {BODY_BYTES_MAX} bytes{left}");
        return Err(Failure::of("LP5313", Exit::Usage, what, "make it smaller, and edit again with --body FILE"));
    }
    match serde_json::from_slice::<Value>(text) {
        Ok(_) => Ok(()),
        Err(wrong) => Err(Failure::of(
            "LP5313",
            Exit::Usage,
            format!("the body is no JSON: {wrong}{left}; nothing is changed"),
            "correct it there, and edit again with --body FILE",
        )),
    }
}

/// What a person makes of a body.
async fn edited(id: &str, text: &str, interactive: bool) -> Result<Vec<u8>, Failure> {
    let named = ["VISUAL", "EDITOR"].into_iter().filter_map(env::var_os).find(|editor| !editor.is_empty());
    let Some(editor) = named.or_else(|| interactive.then(|| EDITOR.into())) else {
        return Err(Failure::new(
            Code::Unanswered,
            "no editor is named, and nobody is at a terminal",
            "set EDITOR, or give the new body with --body FILE",
        ));
    };
    let (path, text) = (place(id)?, text.to_owned());
    let unwritten = |error: &io::Error, path: &Path| {
        let what = format!("cannot use {}: {error}", path.display());
        Failure::new(Code::Write, what, "make room in the folder for temporary files, or name another one in TMPDIR")
    };
    write(&path, &text).map_err(|error| unwritten(&error, &path))?;
    let file = path.clone();
    #[expect(clippy::disallowed_methods, reason = "a person at an editor is no part of any simulation")]
    // The shell knows how to read `code --wait`.
    let ended = tokio::task::spawn_blocking(move || {
        Command::new("sh").arg("-c").arg("eval \"$0\" '\"$1\"'").arg(&editor).arg(&file).status()
    });
    let ended = ended.await.map_err(|error| Failure::internal("the editor cannot be started", &error))?;
    let good = ended.as_ref().is_ok_and(std::process::ExitStatus::success);
    let made = fs::read(&path).map_err(|error| unwritten(&error, &path))?;
    if good {
        check(&made, Some(&path))?;
    }
    fs::remove_file(&path).map_err(|error| unwritten(&error, &path))?;
    if !good {
        let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
        return Err(Failure::new(
            Code::Unanswered,
            format!("the editor ended without success ({how}): nothing is changed"),
            "set EDITOR to a program that waits until the file is closed, or use --body FILE",
        ));
    }
    Ok(made)
}

fn place(id: &str) -> Result<PathBuf, Failure> {
    let random = getrandom::u64().map_err(|error| Failure::internal("no random numbers", &error))?;
    Ok(env::temp_dir().join(format!("linchpin-{id}-{random:016x}.json")))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_that_is_no_json_is_told_with_its_place() {
        assert!(check(br#"{"a": 1}"#, None).is_ok());
        let failure = check(b"{\n \"a\": }", Some(Path::new("/tmp/x"))).unwrap_err();
        let text = failure.render();
        assert_eq!(failure.code(), "LP5313");
        assert!(text.contains("line 2 column 7") && text.contains("/tmp/x"), "{text}");
    }

    #[test]
    fn what_is_no_json_is_edited_as_it_stands() {
        assert_eq!(shown(&json!({"a": 1})), "{\n  \"a\": 1\n}\n");
        assert_eq!(shown(&Value::String("a=b".to_owned())), "a=b");
    }
}
