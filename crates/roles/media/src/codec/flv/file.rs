//! FLV files (FLV 10.1 sections E.2 to E.4.1).

use bytes::{Buf, Bytes};

use crate::codec::{Tag, TagKind};

/// Why bytes are not an FLV file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The file does not begin with `FLV` and version 1.
    #[error("this is not an FLV file of version 1")]
    NotFlv,
    /// A tag of a size that cannot be.
    #[error("the FLV file is cut off {0} bytes before the end of its last tag")]
    Truncated(usize),
    /// No tag of sound or pictures.
    #[error("the FLV file has no sound and no picture")]
    Empty,
}

/// Reads the tags of a file, without copying their bodies. Tags of unknown kinds and encrypted ones are left out.
///
/// # Errors
/// [`FileError`] when it is no FLV file, or ends within a tag.
pub fn read_file(mut file: Bytes) -> Result<Vec<Tag>, FileError> {
    let header: [u8; 9] = file.first_chunk().copied().ok_or(FileError::NotFlv)?;
    let offset = u32::from_be_bytes([header[5], header[6], header[7], header[8]]) as usize;
    if !header.starts_with(b"FLV\x01") || offset < header.len() || offset > file.len() {
        return Err(FileError::NotFlv);
    }
    file.advance(offset);
    let mut tags = Vec::new();
    // Four bytes in front of each tag repeat the size of the one before; 11 bytes of header follow.
    while let Some(&[_, _, _, _, kind, a, b, c, t1, t2, t3, t0, _, _, _]) = file.first_chunk::<15>() {
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        file.advance(15);
        if file.len() < length {
            return Err(FileError::Truncated(length - file.len()));
        }
        let body = file.split_to(length);
        if let Some(kind) = TagKind::from_number(kind) {
            tags.push(Tag { kind, timestamp_ms: u32::from_be_bytes([t0, t1, t2, t3]), body });
        }
    }
    Ok(tags)
}
