//! A frame of a client whose transport has no way up (`EmulationRequest` of the published schema).

use super::{
    super::{DecodeError, EmulatedFrame},
    reader::Reader,
};

/// Reads one.
pub(crate) fn emulated(message: &[u8]) -> Result<EmulatedFrame, DecodeError> {
    let (mut node, mut session, mut data) = (String::new(), String::new(), &[][..]);
    let mut fields = Reader(message);
    while let Some((number, value)) = fields.field()? {
        match number {
            1 => node = value.text()?,
            2 => session = value.text()?,
            3 => data = value.bytes()?,
            _ => {}
        }
    }
    Ok(EmulatedFrame { node, session, data: data.to_vec().into() })
}
