//! Bytes into CSV records (RFC 4180, any line end), keeping what a lenient parser would hide: the line a record begins
//! in, a quote that is never closed, text behind a closing quote.
//!
//! Every byte of the input belongs to exactly one record or to a blank line between records. Memory is bounded by one
//! record of named length.

use std::io::{self, BufRead};

/// A record longer than this is reported, not kept: most likely a quote is missing.
pub(super) const RECORD_BYTES_MAX: usize = 4 << 20;

const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];
const UTF16_MARKS: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// One record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// The line it begins in, from 1.
    pub(super) line: u64,
    /// The bytes as written, at most `RECORD_BYTES_MAX`, without the line end.
    pub(super) raw: Vec<u8>,
    /// The fields, unquoted.
    pub(super) fields: Vec<Vec<u8>>,
    /// Why it cannot be trusted.
    pub(super) fault: Option<String>,
}

/// Where the parser stands inside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a field.
    FieldStart,
    /// In a field without quotes, or behind a closing quote.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote that may close the field or stand for itself.
    QuoteInQuoted,
}

/// The records of a file, one after the other.
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    /// The line of the next byte.
    line: u64,
    at_start: bool,
    /// The last byte ended a line as `\r`: a `\n` that follows belongs to it.
    after_return: bool,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self { input, delimiter, line: 1, at_start: true, after_return: false }
    }

    /// Whether the file begins with the mark of an encoding that is not understood here.
    pub(super) fn begins_like_utf16(&mut self) -> io::Result<bool> {
        let head = self.input.fill_buf()?;
        Ok(UTF16_MARKS.iter().any(|mark| head.starts_with(mark)))
    }

    /// The next record; `None` at the end, and from then on. Blank lines are no records.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        if self.at_start {
            self.at_start = false;
            if self.input.fill_buf()?.starts_with(&BOM) {
                self.input.consume(BOM.len());
            }
        }
        let mut building = Building::new(self.delimiter);
        loop {
            let Some(&byte) = self.input.fill_buf()?.first() else {
                return Ok(building.end_of_file());
            };
            self.input.consume(1);
            let line_end = matches!(byte, b'\r' | b'\n');
            let second_half = byte == b'\n' && std::mem::take(&mut self.after_return);
            let line = self.line;
            if line_end && !second_half {
                self.line += 1;
            }
            self.after_return = byte == b'\r';
            if building.is_blank() && line_end {
                continue;
            }
            if building.take(byte, line) {
                return Ok(Some(building.finish()));
            }
        }
    }
}

/// A record in the making.
struct Building {
    delimiter: u8,
    state: State,
    record: Record,
    field: Vec<u8>,
    /// Bytes seen, kept or not.
    length: usize,
    /// The line of the last opening quote.
    quote_line: u64,
}

impl Building {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            state: State::FieldStart,
            record: Record::default(),
            field: Vec::new(),
            length: 0,
            quote_line: 0,
        }
    }

    fn is_blank(&self) -> bool {
        self.length == 0
    }

    /// Takes a byte of some line; says whether it ended the record.
    fn take(&mut self, byte: u8, line: u64) -> bool {
        if self.length == 0 {
            self.record.line = line;
        }
        let line_end = matches!(byte, b'\r' | b'\n');
        if line_end && self.state != State::Quoted {
            return true;
        }
        self.length += 1;
        if self.length <= RECORD_BYTES_MAX {
            self.record.raw.push(byte);
        }
        self.state = match self.state {
            State::FieldStart if byte == b'"' => {
                self.quote_line = line;
                State::Quoted
            }
            State::Quoted if byte == b'"' => State::QuoteInQuoted,
            State::QuoteInQuoted if byte == b'"' => self.keep(byte, State::Quoted),
            State::FieldStart | State::Plain | State::QuoteInQuoted if byte == self.delimiter => {
                self.end_field();
                State::FieldStart
            }
            State::QuoteInQuoted => {
                let place = self.record.fields.len() + 1;
                self.blame(|| format!("text follows the closing quote of field {place}"));
                self.keep(byte, State::Plain)
            }
            State::FieldStart | State::Plain => self.keep(byte, State::Plain),
            State::Quoted => self.keep(byte, State::Quoted),
        };
        false
    }

    fn keep(&mut self, byte: u8, next: State) -> State {
        if self.length <= RECORD_BYTES_MAX {
            self.field.push(byte);
        }
        next
    }

    fn end_field(&mut self) {
        if self.length <= RECORD_BYTES_MAX {
            self.record.fields.push(std::mem::take(&mut self.field));
        }
    }

    fn blame(&mut self, why: impl FnOnce() -> String) {
        self.record.fault.get_or_insert_with(why);
    }

    fn end_of_file(mut self) -> Option<Record> {
        if self.is_blank() {
            return None;
        }
        if self.state == State::Quoted {
            let line = self.quote_line;
            self.record.fault = Some(format!("the quote that opens in line {line} is never closed"));
        }
        Some(self.finish())
    }

    fn finish(mut self) -> Record {
        self.end_field();
        if self.length > RECORD_BYTES_MAX && self.record.fault.is_none() {
            let why = format!("the record is longer than {RECORD_BYTES_MAX} bytes: is a closing quote missing?");
            self.record.fault = Some(why);
        }
        self.record
    }
}
