//! Progress on standard error: bars when it is a terminal, nothing otherwise.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use linchpin_engine::sync::Watch;

/// How often the elapsed time is redrawn.
const TICK: Duration = Duration::from_millis(200);

/// What a run is doing, shown as it happens.
pub(crate) struct Progress {
    bar: ProgressBar,
    shown: Mutex<String>,
}

impl Progress {
    /// Draws on standard error if that is a terminal.
    pub(crate) fn new() -> Self {
        // indicatif hides the bar by itself when standard error is no terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self { bar, shown: Mutex::new(String::new()) }
    }

    /// Takes the bar away; what follows is text.
    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self, what: String, done: u64, total: Option<u64>) {
        let Ok(mut shown) = self.shown.lock() else { return };
        if *shown != what {
            self.bar.reset();
            self.bar.set_style(style(total.is_some()));
            self.bar.set_message(what.clone());
            self.bar.enable_steady_tick(TICK);
            *shown = what;
        }
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }
}

fn style(bounded: bool) -> ProgressStyle {
    let template = if bounded {
        "{spinner} {msg:24} [{bar:32}] {human_pos}/{human_len} {per_sec}, {eta} left"
    } else {
        "{spinner} {msg:24} {human_pos}  {elapsed}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

impl Watch for Progress {
    fn planning(&self, entry: &str, rows: u64, total: Option<u64>) {
        self.show(format!("reading {entry}"), rows, total);
    }

    fn applying(&self, done: u64, total: u64, stage: &str) {
        self.show(stage.to_owned(), done, Some(total));
    }

    fn note(&self, text: &str) {
        if self.bar.is_hidden() {
            tracing::info!(note = text, position = %HumanCount(self.bar.position()), "note");
        } else {
            self.bar.println(text);
        }
    }
}
