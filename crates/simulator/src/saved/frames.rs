//! The frames of a snapshot file: names, lengths, checksums.
//!
//! Invariant: reading takes no more memory than there are bytes, whatever a length says; what is handed out has passed
//! its checksum.

use std::io::{ErrorKind, Read, Write};

use xxhash_rust::xxh3::xxh3_64;

use super::{SNAPSHOT_FORMAT, SnapshotError, Unfit};

/// The first bytes of a file.
const MAGIC: &[u8; 30] = b"linchpin simulator snapshot \r\n";
/// The name of the end mark.
const END: &str = "end";
/// Bytes of one frame.
const FRAME_BYTES_MAX: usize = 1 << 30;

/// Writes frames.
pub(crate) struct FrameWriter<'a> {
    out: &'a mut dyn Write,
    frames: u64,
    bytes: u64,
}

impl<'a> FrameWriter<'a> {
    /// Begins a file.
    pub(crate) fn begin(out: &'a mut dyn Write) -> Result<Self, SnapshotError> {
        let mut writer = Self { out, frames: 0, bytes: 0 };
        writer.write(MAGIC)?;
        writer.write(&SNAPSHOT_FORMAT.to_le_bytes())?;
        Ok(writer)
    }

    /// Writes one frame of a part.
    pub(crate) fn put(&mut self, part: &str, payload: &[u8]) -> Result<(), SnapshotError> {
        let too_large = || SnapshotError::TooLarge(part.to_owned());
        let name = u8::try_from(part.len()).map_err(|_| too_large())?;
        let len = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= FRAME_BYTES_MAX);
        let len = len.ok_or_else(too_large)?;
        self.write(&[name])?;
        self.write(part.as_bytes())?;
        self.write(&len.to_le_bytes())?;
        self.write(&xxh3_64(payload).to_le_bytes())?;
        self.write(payload)?;
        self.frames += 1;
        Ok(())
    }

    /// Writes the end mark and says how many bytes there are.
    pub(crate) fn end(mut self) -> Result<u64, SnapshotError> {
        let frames = self.frames.to_le_bytes();
        self.put(END, &frames)?;
        self.out.flush().map_err(SnapshotError::Write)?;
        Ok(self.bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(SnapshotError::Write)
    }
}

/// One frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) part: String,
    /// Where it begins in the file.
    pub(crate) at: u64,
    pub(crate) payload: Vec<u8>,
}

/// Reads frames.
pub(crate) struct FrameReader<'a> {
    input: &'a mut dyn Read,
    at: u64,
    frames: u64,
}

impl<'a> FrameReader<'a> {
    /// Reads the beginning of a file.
    pub(crate) fn begin(input: &'a mut dyn Read) -> Result<Self, SnapshotError> {
        let mut reader = Self { input, at: 0, frames: 0 };
        let magic = reader.bytes(0, MAGIC.len());
        if !matches!(&magic, Ok(magic) if magic == MAGIC) {
            return Err(match magic {
                Err(error @ SnapshotError::Read { .. }) => error,
                Ok(_) | Err(_) => SnapshotError::Foreign,
            });
        }
        match u32::from_le_bytes(reader.array(0)?) {
            SNAPSHOT_FORMAT => Ok(reader),
            other => Err(SnapshotError::Format(other)),
        }
    }

    /// The next frame; nothing behind the end mark.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, SnapshotError> {
        let at = self.at;
        let [name] = self.array(at)?;
        let name = self.bytes(at, usize::from(name))?;
        let len = u32::from_le_bytes(self.array(at)?);
        let sum = u64::from_le_bytes(self.array(at)?);
        let part = String::from_utf8_lossy(&name).into_owned();
        let len = usize::try_from(len).ok().filter(|len| *len <= FRAME_BYTES_MAX);
        let Some(len) = len else { return Err(Unfit::new("its length cannot be true").at(&part, at)) };
        let payload = self.bytes(at, len)?;
        if xxh3_64(&payload) != sum {
            return Err(Unfit::new("its bytes have changed since they were written").at(&part, at));
        }
        if part != END {
            self.frames += 1;
            return Ok(Some(Frame { part, at, payload }));
        }
        if payload != self.frames.to_le_bytes() {
            return Err(Unfit::new("frames before it are missing").at(&part, at));
        }
        let mut more = [0; 1];
        match self.input.read(&mut more) {
            Ok(0) => Ok(None),
            Ok(_) => Err(Unfit::new("there are bytes behind it").at(&part, at)),
            Err(source) => Err(SnapshotError::Read { at: self.at, source }),
        }
    }

    fn array<const N: usize>(&mut self, frame: u64) -> Result<[u8; N], SnapshotError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|source| match source.kind() {
            ErrorKind::UnexpectedEof => SnapshotError::Short { at: frame },
            _ => SnapshotError::Read { at: self.at, source },
        })?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn bytes(&mut self, frame: u64, len: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = Vec::new();
        let read = (&mut *self.input).take(len as u64).read_to_end(&mut bytes);
        read.map_err(|source| SnapshotError::Read { at: self.at, source })?;
        self.at += bytes.len() as u64;
        if bytes.len() < len { Err(SnapshotError::Short { at: frame }) } else { Ok(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written() -> Vec<u8> {
        let mut file = Vec::new();
        let mut writer = FrameWriter::begin(&mut file).unwrap();
        writer.put("one", b"first").unwrap();
        writer.put("two", &[7; 300]).unwrap();
        let bytes = writer.end().unwrap();
        assert_eq!(bytes, file.len() as u64);
        file
    }

    fn read(mut file: &[u8]) -> Result<Vec<(String, Vec<u8>)>, SnapshotError> {
        let mut reader = FrameReader::begin(&mut file)?;
        let mut parts = Vec::new();
        while let Some(frame) = reader.next()? {
            parts.push((frame.part, frame.payload));
        }
        Ok(parts)
    }

    #[test]
    fn frames_come_back_as_they_were_written() {
        let parts = read(&written()).unwrap();
        assert_eq!(parts, [("one".to_owned(), b"first".to_vec()), ("two".to_owned(), vec![7; 300])]);
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused() {
        let file = written();
        for len in 0..file.len() {
            let error = read(&file[..len]).unwrap_err();
            assert!(matches!(error, SnapshotError::Short { .. } | SnapshotError::Foreign), "{len}: {error}");
        }
        let whole = [file.as_slice(), b"x"].concat();
        assert_eq!(
            read(&whole).unwrap_err().to_string(),
            format!("part `end` at byte {}: there are bytes behind it", file.len() - 24)
        );
        let mut other = file;
        other[30] = 9;
        assert_eq!(
            read(&other).unwrap_err().to_string(),
            "the snapshot has format 9, and this simulator reads format 1"
        );
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_noticed(place in 0_usize..400, change in 1_u8..=255) {
            let mut file = written();
            let place = place % file.len();
            file[place] ^= change;
            // A part may get another name that way; whoever reads parts does not know it.
            if let Ok(parts) = read(&file) {
                prop_assert!(parts[0].0 != "one" || parts[1].0 != "two");
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let file = [&written()[..34], &bytes].concat();
            prop_assert!(read(&file).is_err());
        }
    }
}
