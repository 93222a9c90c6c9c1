//! Numbers and texts as the bytes of a frame: little endian, texts with their length before them.

use super::Unfit;
use crate::wire::Millis;

/// Puts values together.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    pub(crate) bytes: Vec<u8>,
}

impl Packer {
    pub(crate) fn put_u8(&mut self, number: u8) {
        self.bytes.push(number);
    }

    pub(crate) fn put_u16(&mut self, number: u16) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn put_u64(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn put_millis(&mut self, at: Millis) {
        self.bytes.extend_from_slice(&at.0.to_le_bytes());
    }

    pub(crate) fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_u64(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }
}

/// Takes values apart; whatever it is given, it answers with a value or a reason.
#[derive(Debug)]
pub(crate) struct Unpacker<'a> {
    rest: &'a [u8],
}

impl<'a> Unpacker<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unfit> {
        let (first, rest) = self.rest.split_first_chunk().ok_or_else(|| Unfit::new("it ends in the middle"))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn take_u8(&mut self) -> Result<u8, Unfit> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn take_u16(&mut self) -> Result<u16, Unfit> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn take_u64(&mut self) -> Result<u64, Unfit> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn take_millis(&mut self) -> Result<Millis, Unfit> {
        self.array().map(|bytes| Millis(i64::from_le_bytes(bytes)))
    }

    pub(crate) fn take_bytes(&mut self) -> Result<&'a [u8], Unfit> {
        let len = usize::try_from(self.take_u64()?).map_err(Unfit::new)?;
        let (first, rest) = self.rest.split_at_checked(len).ok_or_else(|| Unfit::new("it ends in the middle"))?;
        self.rest = rest;
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_too_few_bytes_are_refused() {
        let mut packer = Packer::default();
        packer.put_u8(1);
        packer.put_u16(515);
        packer.put_u64(u64::MAX);
        packer.put_millis(Millis(-5));
        packer.put_bytes(b"text");
        let read = |bytes: &[u8]| {
            let mut all = Unpacker::new(bytes);
            let values = (all.take_u8()?, all.take_u16()?, all.take_u64()?, all.take_millis()?);
            let text = all.take_bytes()?.to_vec();
            assert!(all.is_empty());
            Ok::<_, Unfit>((values, text))
        };
        assert_eq!(read(&packer.bytes).unwrap(), ((1, 515, u64::MAX, Millis(-5)), b"text".to_vec()));
        for len in 0..packer.bytes.len() {
            assert_eq!(read(&packer.bytes[..len]).unwrap_err().0, "it ends in the middle");
        }
    }
}
