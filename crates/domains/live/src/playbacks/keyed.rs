//! What signs with the site's secret.

use hmac::{Hmac, KeyInit, Mac, digest::Key};
use sha2::Sha256;

/// Signs for one purpose: a text signed with the same secret for another one never passes for it. Its hash states are made
/// once and copied.
pub(super) fn keyed(secret: &[u8; 32], purpose: &[u8]) -> Hmac<Sha256> {
    // A key shorter than the block is padded with zeros (RFC 2104 §2).
    let mut block = Key::<Hmac<Sha256>>::default();
    block.iter_mut().zip(secret).for_each(|(padded, byte)| *padded = *byte);
    let mut keyed = Hmac::<Sha256>::new(&block);
    keyed.update(purpose);
    keyed
}
